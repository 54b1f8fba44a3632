import Foundation
import Markup

/// What is the same in all mails of a bulletin.
package struct PreparedMail: Sendable {
    let headers: String
    let body: AlternativeBody
    let words: BulletinWords
    let pageURL: String
}

/// Text and HTML that say the same (RFC 2046 section 5.1.4).
struct AlternativeBody: Sendable {
    private let text: EncodedBeginning
    private let html: EncodedBeginning

    init(text: String, html: String) { (self.text, self.html) = (EncodedBeginning(text), EncodedBeginning(html)) }

    /// Holds characters that base64 has not, so no body can contain it.
    static let boundary = "=_kentongan_batas_="

    /// The header lines that go with it.
    static let headers =
        MailHeader.line("MIME-Version", "1.0")
        + "Content-Type: multipart/alternative;\r\n boundary=\"\(boundary)\"\r\n"

    /// Bytes that are encoded already.
    var encodedCount: Int { text.encoded.count + html.encoded.count }

    /// The two parts, each ended by what is for this recipient.
    func append(to message: inout [UInt8], text tail: String = "", html htmlTail: String = "") {
        append(to: &message, "text/plain", text, tail)
        append(to: &message, "text/html", html, htmlTail)
        message += Array("--\(Self.boundary)--\r\n".utf8)
    }

    private func append(to message: inout [UInt8], _ type: String, _ beginning: EncodedBeginning, _ tail: String) {
        message += Array(
            "--\(Self.boundary)\r\nContent-Type: \(type); charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
                .utf8)
        beginning.append(to: &message, tail: tail)
        message += [0x0D, 0x0A]
    }
}

/// The beginning of a body, encoded as base64 up to the end of a line, and what of it comes after that.
struct EncodedBeginning: Sendable {
    /// Whole lines of 76 characters.
    let encoded: [UInt8]
    private let rest: [UInt8]

    /// 57 bytes make a line of 76 characters.
    private static let bytesPerLine = 57

    init(_ text: String) {
        let bytes = Array(text.utf8)
        let whole = bytes.count / Self.bytesPerLine * Self.bytesPerLine
        encoded = Self.lines(bytes[..<whole])
        rest = Array(bytes[whole...])
    }

    func append(to message: inout [UInt8], tail: String) {
        message += encoded
        message += Self.lines((rest + Array(tail.utf8))[...])
    }

    private static func lines(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        guard !bytes.isEmpty else { return [] }
        let encoded = Data(bytes).base64EncodedData(options: [
            .lineLength76Characters, .endLineWithCarriageReturn, .endLineWithLineFeed,
        ])
        return Array(encoded) + [0x0D, 0x0A]
    }
}
