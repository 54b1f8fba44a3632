import Foundation
import NIOCore

/// The body of a mail: equivalent text and HTML (RFC 2046 section 5.1.4), with a calendar event attached if there is
/// one.
///
/// Every part is base64, so no line of a bulletin can have a meaning in SMTP.
struct MailBody: Sendable {
    private let text: EncodedPrefix
    private let html: EncodedPrefix
    /// The complete part with its header.
    private let calendar: ByteBuffer?

    /// Encodes the parts. `calendar` is an iCalendar object (RFC 5545).
    init(text: String, html: String, calendar: String? = nil) {
        (self.text, self.html) = (EncodedPrefix(text), EncodedPrefix(html))
        self.calendar = calendar.map(Self.calendarPart)
    }

    /// The boundaries contain characters outside base64, so no body can contain them.
    private static let boundary = "=_kentongan_batas_="
    private static let outerBoundary = "=_kentongan_lampiran_="

    private static let alternative = "Content-Type: multipart/alternative;\r\n boundary=\"\(boundary)\"\r\n"

    /// The header lines of the body.
    var headers: String {
        MailHeader.line("MIME-Version", "1.0")
            + (calendar == nil
                ? Self.alternative : "Content-Type: multipart/mixed;\r\n boundary=\"\(Self.outerBoundary)\"\r\n")
    }

    /// The number of bytes already encoded.
    var encodedCount: Int { text.encoded.readableBytes + html.encoded.readableBytes + (calendar?.readableBytes ?? 0) }

    /// Writes the parts. Text and HTML each end with the given tail for this recipient.
    func write(to message: inout ByteBuffer, text tail: String = "", html htmlTail: String = "") {
        if calendar != nil { message.writeString("--\(Self.outerBoundary)\r\n\(Self.alternative)\r\n") }
        write(to: &message, "text/plain", text, tail)
        write(to: &message, "text/html", html, htmlTail)
        message.writeString("--\(Self.boundary)--\r\n")
        if let calendar {
            message.writeImmutableBuffer(calendar)
            message.writeString("--\(Self.outerBoundary)--\r\n")
        }
    }

    private func write(to message: inout ByteBuffer, _ type: String, _ prefix: EncodedPrefix, _ tail: String) {
        message.writeString(
            "--\(Self.boundary)\r\nContent-Type: \(type); charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n")
        prefix.write(to: &message, tail: tail)
    }

    private static func calendarPart(_ text: String) -> ByteBuffer {
        var part = ByteBuffer(
            string: """
                --\(outerBoundary)\r
                Content-Type: text/calendar; charset=utf-8\r
                Content-Transfer-Encoding: base64\r
                Content-Disposition: attachment; filename="acara.ics"\r
                \r

                """)
        EncodedPrefix(text).write(to: &part, tail: "")
        return part
    }
}

/// The start of a body, encoded as base64 in whole lines, and the remaining bytes.
struct EncodedPrefix: Sendable {
    /// Whole lines of 76 characters.
    let encoded: ByteBuffer
    private let rest: [UInt8]

    /// 57 bytes encode to one line of 76 characters (RFC 2045 section 6.8).
    private static let bytesPerLine = 57

    init(_ text: String) {
        let bytes = Self.lines(text)
        let whole = bytes.count / Self.bytesPerLine * Self.bytesPerLine
        var encoded = ByteBuffer()
        Self.write(bytes[..<whole], to: &encoded)
        self.encoded = encoded
        rest = Array(bytes[whole...])
    }

    func write(to message: inout ByteBuffer, tail: String) {
        message.writeImmutableBuffer(encoded)
        Self.write((rest + Self.lines(tail))[...], to: &message)
    }

    /// The text with CRLF line ends, which base64 must contain too (RFC 2046 section 4.1.1).
    private static func lines(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count + text.utf8.count / 32)
        for byte in text.utf8 {
            if byte == 0x0A, bytes.last != 0x0D { bytes.append(0x0D) }
            bytes.append(byte)
        }
        return bytes
    }

    private static func write(_ bytes: ArraySlice<UInt8>, to message: inout ByteBuffer) {
        guard !bytes.isEmpty else { return }
        let encoded = Data(bytes).base64EncodedData(options: [
            .lineLength76Characters, .endLineWithCarriageReturn, .endLineWithLineFeed,
        ])
        message.writeBytes(encoded)
        message.writeStaticString("\r\n")
    }
}
