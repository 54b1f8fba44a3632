internal import NIOCore

/// Writes the envelope commands of a message, with the parameters that the relay supports.
struct CommandEncoder {
    let capabilities: Capabilities

    /// Writes MAIL, and with PIPELINING all commands up to DATA.
    func write(_ message: SMTPMessage, to buffer: inout ByteBuffer) {
        writeSender(of: message, to: &buffer)
        guard capabilities.pipelining else { return }
        for recipient in message.recipients { writeRecipient(recipient, of: message, to: &buffer) }
        if !capabilities.chunking { buffer.writeStaticString("DATA\r\n") }
    }

    private func writeSender(of message: SMTPMessage, to buffer: inout ByteBuffer) {
        buffer.writeStaticString("MAIL FROM:<")
        buffer.writeString(message.sender)
        buffer.writeStaticString(">")
        if capabilities.sizeLimit != nil {
            buffer.writeStaticString(" SIZE=")
            buffer.writeString(String(message.size))
        }
        if message.isEightBit { buffer.writeStaticString(" BODY=8BITMIME") }
        if message.isInternational { buffer.writeStaticString(" SMTPUTF8") }
        if capabilities.dsn, let id = message.envelopeID {
            buffer.writeStaticString(" RET=HDRS ENVID=")
            buffer.writeString(XText.encode(id))
        }
        buffer.writeStaticString("\r\n")
    }

    func writeRecipient(_ recipient: String, of message: SMTPMessage, to buffer: inout ByteBuffer) {
        buffer.writeStaticString("RCPT TO:<")
        buffer.writeString(recipient)
        buffer.writeStaticString(">")
        // Asks for reports (RFC 3461 section 4). An international address would need its own address type (RFC 6533
        // section 3).
        if capabilities.dsn, message.envelopeID != nil {
            buffer.writeStaticString(" NOTIFY=FAILURE,DELAY")
            if !message.isInternational {
                buffer.writeStaticString(" ORCPT=rfc822;")
                buffer.writeString(XText.encode(recipient))
            }
        }
        buffer.writeStaticString("\r\n")
    }
}

/// The `xtext` encoding of DSN parameters (RFC 3461 section 4).
enum XText {
    /// Encodes a text. Printable ASCII except `+` and `=` stays as it is.
    static func encode(_ text: String) -> String {
        if text.utf8.allSatisfy(isPlain) { return text }
        var encoded = ""
        for byte in text.utf8 {
            if isPlain(byte) {
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let hex = String(byte, radix: 16, uppercase: true)
                encoded += "+" + (hex.count < 2 ? "0" : "") + hex
            }
        }
        return encoded
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        (33...126).contains(byte) && byte != UInt8(ascii: "+") && byte != UInt8(ascii: "=")
    }
}
