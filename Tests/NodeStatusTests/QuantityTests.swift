// SPDX-License-Identifier: Apache-2.0

import Foundation
import NodeStatus
import Testing

@Suite("Quantities")
struct QuantityTests {
    @Test("What is no quantity is shown on one line")
    func errorsAreOneLine() {
        let error = #expect(throws: QuantityError.self) { try Quantity(parsing: "1\n\u{202e}x\u{85}") }
        #expect(error?.problem == #"it ends in "\u{a}\u{202e}x\u{85}""#)
        #expect(error?.description.hasPrefix(#""1\u{a}\u{202e}x\u{85}" is not a quantity: "#) == true)
    }

    @Test(
        "A quantity is printed in its canonical form",
        arguments: [
            ("0", "0"), ("0Ki", "0"), ("-0", "0"), ("0.000", "0"), ("00", "0"), ("+5", "5"), ("4", "4"),
            ("3.92", "3920m"), ("1000", "1k"), ("1001", "1001"), ("1500m", "1500m"), ("2000m", "2"), ("0.1", "100m"),
            ("100Mi", "100Mi"), ("102400Ki", "100Mi"), ("3977916Ki", "3977916Ki"), ("1024", "1024"), ("1Ki", "1Ki"),
            ("0.5Ki", "512"), ("512Mi", "512Mi"), ("1.5Gi", "1536Mi"), ("1.0001Ki", "1024102400u"),
            ("0.0001Ki", "102400u"), ("0.5", "500m"), ("1n", "1n"), ("0.1n", "1n"), ("-0.1n", "-1n"), ("1u", "1u"),
            ("1e3", "1e3"), ("1E3", "1e3"), ("12e4", "120e3"), ("1e-3", "1e-3"), ("5e-1", "500e-3"), ("1E", "1E"),
            ("100E", "100E"), ("1000E", "1000E"), ("1Ei", "1Ei"), ("8Ei", "9223372036854775807"), ("-1Gi", "-1Gi"),
            ("-8Ei", "-9223372036854775807"), ("9223372036854775807", "9223372036854775807"),
            ("9223372036854775808", "9223372036854775808"), (".5", "500m"), ("5.", "5"), ("1.G", "1G"),
            ("1023Ki", "1023Ki"), ("1e9999999999999999999", "100e27"), ("1e-9999999999999999999", "1e-9"),
            ("100000000000000000000000000000000000000000000", "100000000000E"),
            ("0.000000000000000000000000000000000000000000000000000001", "1n"),
            ("0.00000000000000000000000000000000000000000000000000000000000000000000000000001Ei", "1n"),
            ("0.3333333333333333333333333333333333333333333333Ei", "384307168202282325333333334n"),
            ("123456789012345678901234567890Ki", "9223372036854775807"),
        ])
    func canonicalText(text: String, canonical: String) throws {
        let quantity = try Quantity(parsing: text)
        #expect(quantity.description == canonical)
        #expect(try Quantity(parsing: canonical) == quantity)
    }

    @Test(
        "What Kubernetes cannot read is refused and said to be so",
        arguments: [
            "", " ", "-", "+", ".", "Ki", "e3", "1.1.M", "1+1.0M", "0.1mi", "0.1am", "aoeu", ".5i", "1i", "-3.01i",
            "-3.01e-", "1K", "1 Ki", " 1", "1 ", "--1", "1e", "1e3Ki", "1KiB", "0x10", "１", "NaN", "1e3.5", "1,5",
            String(repeating: "9", count: 300),
        ])
    func refused(text: String) throws {
        let error = try #require(throws: QuantityError.self) { try Quantity(parsing: text) }
        #expect(error.description.contains("is not a quantity"))
        #expect(error.description.utf8.count < 700)
    }

    @Test("A refused quantity is named, with what is wrong and what is allowed")
    func errorText() throws {
        let error = try #require(throws: QuantityError.self) { try Quantity(parsing: "12Q") }
        #expect(
            error.description == "\"12Q\" is not a quantity: it ends in \"Q\"; allowed: a number, then nothing or "
                + "one of n u m k M G T P E Ki Mi Gi Ti Pi Ei or an exponent such as e3")
    }

    @Test("Memory less 100Mi is what the kubelet prints")
    func memoryExample() throws {
        let memory = Quantity(bytes: 3_977_916 << 10)
        #expect((memory - Quantity(bytes: 100 << 20)).description == "3875516Ki")
    }

    @Test("Arithmetic keeps the left format, or the right one's when the left side is zero")
    func formats() throws {
        #expect((quantity("1Gi") - quantity("1M")).description == "1072741824")
        #expect((quantity("1k") - quantity("1Ki")).description == "-24")
        #expect((quantity("0") + quantity("1Ki")).description == "1Ki")
        #expect((quantity("0Ki") + quantity("2000")).description == "2k")
        #expect((quantity("0") - quantity("1Mi")).description == "-1Mi")
    }

    @Test("Sums beyond every limit stand still instead of overflowing")
    func saturation() throws {
        var sum = quantity("1e99")
        for _ in 0..<10 { sum = sum + sum }
        #expect(sum == quantity("1e99"))
        var difference = quantity("-1e99")
        for _ in 0..<10 { difference = difference - sum }
        #expect(difference == quantity("-1e99"))
        #expect(sum.value == .max)
        #expect(difference.value == .min)
        #expect(sum.wholeUnits == nil)
    }

    @Test("Quantities compare by value, not by text")
    func comparison() throws {
        #expect(quantity("1Gi") == quantity("1024Mi"))
        #expect(quantity("1") == quantity("1000m"))
        #expect(quantity("1k") < quantity("1Ki"))
        #expect(quantity("1n") > quantity("0"))
        #expect(Set([quantity("1Ki"), quantity("1024")]).count == 1)
    }

    @Test(
        "The whole value rounds away from zero",
        arguments: [("1500m", Int64(2)), ("1n", 1), ("-1n", -1), ("-1500m", -2), ("3", 3), ("0", 0)])
    func value(text: String, value: Int64) throws {
        #expect(try Quantity(parsing: text).value == value)
    }

    @Test("Whole units are those that are whole, not negative and fit")
    func wholeUnits() throws {
        #expect(quantity("1Ki").wholeUnits == 1024)
        #expect(quantity("1500m").wholeUnits == nil)
        #expect(quantity("-1").wholeUnits == nil)
        #expect(Quantity(bytes: .max).wholeUnits == .max)
        #expect(Quantity(bytes: .max).description == "18446744073709551615")
        #expect(Quantity(milliUnits: 7_910).description == "7910m")
        #expect(Quantity(milliUnits: 8_000).description == "8")
        #expect(Quantity(count: 110).description == "110")
        #expect(quantity("7910m").milliValue == 7_910)
    }

    @Test("In JSON a quantity is a string, and a bad one an error that names it")
    func json() throws {
        #expect(String(decoding: try JSONEncoder().encode([quantity("2048Ki")]), as: UTF8.self) == "[\"2Mi\"]")
        #expect(try JSONDecoder().decode([Quantity].self, from: Data("[\"2Mi\"]".utf8)) == [quantity("2Mi")])
        #expect(throws: DecodingError.self) { try JSONDecoder().decode([Quantity].self, from: Data("[\"2X\"]".utf8)) }
    }

    @Test("No text makes the parser trap")
    func noise() {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("0123456789.eE+-numkKMGTPi ")
        for _ in 0..<20_000 {
            let text = String(
                (0..<Int.random(in: 0...48, using: &generator)).map { _ in
                    alphabet.randomElement(using: &generator) ?? "0"
                })
            guard let quantity = try? Quantity(parsing: text) else { continue }
            _ = quantity.description
            _ = quantity.value
            #expect((try? Quantity(parsing: quantity.description)) == quantity, "\(text)")
        }
    }
}
