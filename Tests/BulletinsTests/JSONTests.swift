import Bulletins
import Testing

struct JSONTests {
    @Test(arguments: [
        "{", "nol", "{'id': 1}", #"{"id": "a",}"#, #"{"id": 01}"#, #"{"id": 1.}"#, #"{"id": .5}"#, #"{"id": NaN}"#,
        #""\x""#,
        #""\ud800""#, #""\ud800\u0041""#, #""\u12""#, "\"a\tb\"", #"{"id": 1, "id": 2}"#, "{} x", "[1, 2", "\u{feff}{}",
        "1e400", "-",
        String(repeating: "[", count: 5000),
    ])
    func rejectsMalformedJSON(text: String) {
        #expect(throws: JSONParser.Failure.self) { try JSONParser.parse(Array(text.utf8)) }
    }

    @Test(arguments: [[0xFF], [0xED, 0xA0, 0x80], [0xC0, 0xAF], [0xF4, 0x90, 0x80, 0x80]])
    func rejectsInvalidUTF8(bytes: [UInt8]) {
        #expect(throws: JSONParser.Failure.self) { try JSONParser.parse([0x22] + bytes + [0x22]) }
    }

    @Test func readsValues() throws {
        let value = try JSONParser.parse(
            Array(#" {"a": [1, -2.5, 1.0, 1e2, true, null], "b": "é\n\ud83d\uded5", "\u00e9": {}} "#.utf8))
        #expect(value["a"] == [1, .number(-2.5), 1, 100, true, .null])
        #expect(value["b"]?.stringValue == "é\n🛕")
        #expect(value["é"] == .object([:]))
    }

    @Test func canonicallyEquivalentNamesAreTwoMembers() throws {
        let value = try JSONParser.parse(Array("{\"\u{e9}\": 1, \"e\u{301}\": 2}".utf8))
        #expect(value["\u{e9}"] == 1 && value["e\u{301}"] == 2)
    }

    @Test func outputParsesToTheSameValue() throws {
        let value: JSONValue = ["z": "\u{1}\"\\\n🛕", "a": [1, .number(2.5), .null, false], "m": [:]]
        #expect(try JSONParser.parse(JSONWriter.bytes(value)) == value)
        #expect(JSONWriter.text(["b": 1, "a": 2], sortsKeys: true) == #"{"a":2,"b":1}"#)
    }
}
