import Foundation
import NIOCore

/// Text and HTML that say the same (RFC 2046 section 5.1.4), and an event for calendars behind them, if there is one.
///
/// All is base64, so that no line of a bulletin can mean anything to SMTP.
struct MailBody: Sendable {
    private let text: EncodedBeginning
    private let html: EncodedBeginning
    /// A whole part.
    private let calendar: ByteBuffer?

    /// `calendar` is an iCalendar object (RFC 5545).
    init(text: String, html: String, calendar: String? = nil) {
        (self.text, self.html) = (EncodedBeginning(text), EncodedBeginning(html))
        self.calendar = calendar.map(Self.calendarPart)
    }

    /// They hold characters that base64 has not, so no body can contain them.
    private static let boundary = "=_kentongan_batas_="
    private static let outerBoundary = "=_kentongan_lampiran_="

    private static let alternative = "Content-Type: multipart/alternative;\r\n boundary=\"\(boundary)\"\r\n"

    /// The header lines that go with it.
    var headers: String {
        MailHeader.line("MIME-Version", "1.0")
            + (calendar == nil
                ? Self.alternative : "Content-Type: multipart/mixed;\r\n boundary=\"\(Self.outerBoundary)\"\r\n")
    }

    /// Bytes that are encoded already.
    var encodedCount: Int { text.encoded.readableBytes + html.encoded.readableBytes + (calendar?.readableBytes ?? 0) }

    /// The parts, text and HTML each ended by what is for this recipient.
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

    private func write(to message: inout ByteBuffer, _ type: String, _ beginning: EncodedBeginning, _ tail: String) {
        message.writeString(
            "--\(Self.boundary)\r\nContent-Type: \(type); charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n")
        beginning.write(to: &message, tail: tail)
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
        EncodedBeginning(text).write(to: &part, tail: "")
        return part
    }
}

/// The beginning of a body, encoded as base64 up to the end of a line, and what of it comes after that.
struct EncodedBeginning: Sendable {
    /// Whole lines of 76 characters.
    let encoded: ByteBuffer
    private let rest: [UInt8]

    /// 57 bytes make a line of 76 characters (RFC 2045 section 6.8).
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

    /// Text with the line ends that mails have, also within base64 (RFC 2046 section 4.1.1).
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
