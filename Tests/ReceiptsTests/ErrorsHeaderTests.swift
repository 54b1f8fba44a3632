import Bulletins
import Testing

@testable import Receipts

/// The header of errors is bounded and contains whole errors.
struct ErrorsHeaderTests {
    private func errors(_ count: Int, message: Int) -> String {
        let all = (0..<count).map { BulletinError("/x-\($0)", .schema, String(repeating: "é", count: message)).json }
        return JSONWriter.text(.array(all))
    }

    @Test func whatFitsIsTheSame() {
        let text = errors(3, message: 10)
        let header = ErrorsHeader(text)
        #expect(header.text == text && header.leftOut == 0)
    }

    @Test func asManyWholeOnesAsFitAreTold() throws {
        let header = ErrorsHeader(errors(200, message: 500))
        let told = try #require(try JSONParser.parse(Array(header.text.utf8)).arrayValue)
        #expect(header.text.utf8.count <= ErrorsHeader.room && header.text.utf8.count > ErrorsHeader.room - 1100)
        #expect(told.count + header.leftOut == 200 && told.count > 50)
        #expect(told.last?["message"]?.stringValue?.count == 500)
    }

    @Test func oneThatIsTooLargeIsCut() throws {
        let header = ErrorsHeader(errors(2, message: 60_000))
        let told = try #require(try JSONParser.parse(Array(header.text.utf8)).arrayValue)
        #expect(told.count == 1 && header.leftOut == 1)
        #expect(told[0]["code"]?.stringValue == "schema" && told[0]["path"]?.stringValue == "/x-0")
    }
}
