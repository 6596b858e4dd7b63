// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Testing

@testable import API

@Suite("/openapi.json")
struct OpenAPITests {
    private struct Document: Decodable {
        struct Operation: Decodable {
            struct Answer: Decodable {}
            var responses: [String: Answer]
        }
        struct Info: Decodable { var version: String }
        var openapi: String
        var info: Info
        var paths: [String: [String: Operation]]
    }

    private func document(_ version: String = "1.2.3") throws -> Document {
        try JSONDecoder().decode(Document.self, from: Data(OpenAPIPage.document(version: version).utf8))
    }

    @Test("It has every page and every route, and nothing else")
    func complete() throws {
        let document = try document()
        #expect(
            Set(document.paths.keys)
                == Set(API.pages.map(\.path)).union(["/checkpoint/{namespace}/{pod}/{container}"]))
        for page in API.pages {
            #expect(document.paths[page.path].map { Set($0.keys) } == ["get", "head"], "\(page.path)")
        }
        #expect(document.paths["/checkpoint/{namespace}/{pod}/{container}"].map { Set($0.keys) } == ["post"])
    }

    @Test("Every operation has the refusals that anything can be answered with")
    func refusals() throws {
        for operations in try document().paths.values {
            for operation in operations.values {
                #expect(operation.responses.keys.contains("200"))
                for code in ["400", "401", "403", "404", "405", "503"] {
                    #expect(operation.responses.keys.contains(code))
                }
            }
        }
    }

    @Test("A version cannot break it")
    func version() throws {
        #expect(try document("1.0\"}, {").info.version == "1.0")
        #expect(try document("0.1~git+1-a").info.version == "0.1~git+1-a")
    }
}
