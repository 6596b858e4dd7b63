// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Access

@Suite struct RecentlyUsedTests {
    @Test func forgetsWhatWasUsedLongestAgo() {
        var table = RecentlyUsed<Int, String>(maximumCount: 3, maximumBytes: 1_000)
        for key in 1...3 { table.insert(key, "\(key)", until: .seconds(10), bytes: 1) }
        #expect(table.find(1, now: .zero)?.value == "1")
        table.insert(4, "4", until: .seconds(10), bytes: 1)
        #expect(table.find(2, now: .zero) == nil)
        #expect(table.find(1, now: .zero)?.value == "1")
        #expect(table.count == 3)
    }

    @Test func ends() {
        var table = RecentlyUsed<Int, Int>(maximumCount: 3, maximumBytes: 1_000)
        table.insert(1, 1, until: .seconds(10), bytes: 5)
        #expect(table.find(1, now: .milliseconds(9_999))?.until == .seconds(10))
        #expect(table.find(1, now: .seconds(10)) == nil)
        #expect(table.count == 0)
        #expect(table.bytes == 0)
    }

    @Test func bytesAreBounded() {
        var table = RecentlyUsed<Int, Int>(maximumCount: 100, maximumBytes: 100)
        table.insert(1, 1, until: .seconds(1), bytes: 40)
        table.insert(2, 2, until: .seconds(1), bytes: 40)
        table.insert(3, 3, until: .seconds(1), bytes: 30)
        #expect(table.find(1, now: .zero) == nil)
        #expect(table.bytes == 70)
        table.insert(4, 4, until: .seconds(1), bytes: 101)
        #expect(table.find(4, now: .zero) == nil)
        #expect(table.count == 2)
    }

    @Test func replaces() {
        var table = RecentlyUsed<Int, Int>(maximumCount: 2, maximumBytes: 100)
        table.insert(1, 1, until: .seconds(1), bytes: 10)
        table.insert(1, 2, until: .seconds(5), bytes: 20)
        #expect(table.find(1, now: .seconds(2))?.value == 2)
        #expect(table.bytes == 20)
        table.removeAll()
        #expect(table.count == 0)
        table.insert(1, 3, until: .seconds(5), bytes: 1)
        #expect(table.find(1, now: .zero)?.value == 3)
    }

    /// Against the plainest of all implementations.
    @Test func asAModel() {
        var table = RecentlyUsed<Int, Int>(maximumCount: 7, maximumBytes: 60)
        var model: [(key: Int, value: Int, until: Int, bytes: Int)] = []
        var random = SystemRandomNumberGenerator()
        for time in 0..<20_000 {
            let key = Int.random(in: 0..<20, using: &random)
            if Bool.random(using: &random) {
                let (until, bytes) = (time + Int.random(in: 1..<40), Int.random(in: 1...20))
                table.insert(key, time, until: .seconds(until), bytes: bytes)
                model.removeAll { $0.key == key }
                while model.count >= 7 || model.reduce(bytes, { $0 + $1.bytes }) > 60 { model.removeFirst() }
                model.append((key, time, until, bytes))
            } else {
                let found = table.find(key, now: .seconds(time))?.value
                var expected: Int?
                if let index = model.firstIndex(where: { $0.key == key }) {
                    let entry = model.remove(at: index)
                    if time < entry.until {
                        expected = entry.value
                        model.append(entry)
                    }
                }
                #expect(found == expected)
            }
            #expect(table.count == model.count)
            #expect(table.bytes == model.reduce(0) { $0 + $1.bytes })
        }
    }
}
