package import Bulletins
import Crypto
import Foundation
package import NIOCore

/// Signs mails with DKIM (RFC 6376), once per key. Headers use the canonicalization `relaxed`, bodies `simple`, which
/// base64 survives.
///
/// The signature covers all headers that large mailbox providers expect in bulk mail, including both unsubscribe
/// headers (RFC 8058 section 4). It also covers the absence of a second copy of those that a forger could add (RFC
/// 6376 section 8.15).
package struct DKIMSigner: Sendable {
    private let domain: String
    private let keys: [DKIMKey]

    /// Creates the signer for the sender's domain.
    package init(domain: String, keys: [DKIMKey]) { (self.domain, self.keys) = (domain, keys) }

    /// Returns the mail with its signatures in front. `mail` has CRLF line ends.
    package func sign(_ mail: ByteBuffer, now: Timestamp) throws -> ByteBuffer {
        let parts = MailParts(mail)
        let hash = parts.bodyHash.base64EncodedString()
        var signed = ByteBuffer()
        for key in keys { signed.writeString(try signature(key, of: parts, bodyHash: hash, now: now)) }
        signed.writeImmutableBuffer(mail)
        return signed
    }

    /// One `DKIM-Signature` field. Its own value, without the signature, is part of the signed text (RFC 6376 section
    /// 3.7).
    private func signature(_ key: DKIMKey, of parts: MailParts, bodyHash: String, now: Timestamp) throws -> String {
        let names = Self.names(in: parts)
        let field = """
            DKIM-Signature: v=1; a=\(key.name); c=relaxed/simple; d=\(domain);\r
             s=\(key.selector); t=\(now.seconds);\r
             h=\(Self.folded(names));\r
             bh=\(bodyHash);\r
             b=
            """
        var fields = parts.fields
        var text = ""
        for name in names {
            // Of several fields with one name, the last comes first (RFC 6376 section 5.4.2).
            guard let index = fields.lastIndex(where: { $0.name == name }) else { continue }
            text += fields.remove(at: index).relaxed + "\r\n"
        }
        text += MailParts.Field(field).relaxed
        return field + Self.folded(try key.sign(Array(text.utf8)).base64EncodedString()) + "\r\n"
    }

    /// The headers that are present, and those that must not be added.
    private static func names(in parts: MailParts) -> [String] {
        let present = Set(parts.fields.map(\.name))
        return signed.filter { present.contains($0) } + closed
    }

    private static let signed = [
        "from", "to", "subject", "date", "message-id", "in-reply-to", "references", "mime-version", "content-type",
        "content-language", "auto-submitted", "precedence", "feedback-id", "list-id", "list-unsubscribe",
        "list-unsubscribe-post", "x-kentongan-bulletin", "x-kentongan-digest",
    ]
    private static let closed = [
        "from", "to", "cc", "reply-to", "subject", "date", "message-id", "content-type", "list-unsubscribe",
        "list-unsubscribe-post",
    ]

    private static func folded(_ names: [String]) -> String {
        var lines = [""]
        for name in names {
            if lines[lines.count - 1].utf8.count + name.utf8.count > 70 { lines.append("") }
            lines[lines.count - 1] += name + ":"
        }
        return String(lines.joined(separator: "\r\n  ").dropLast())
    }

    private static func folded(_ code: String) -> String {
        var lines: [Substring] = []
        var rest = code[...]
        while !rest.isEmpty {
            lines.append(rest.prefix(72))
            rest = rest.dropFirst(72)
        }
        return lines.joined(separator: "\r\n  ")
    }
}

/// The fields and the body of a mail in canonical form.
struct MailParts {
    struct Field {
        /// In lower case.
        let name: String
        /// The canonical form `relaxed` (RFC 6376 section 3.4.2), without the line end.
        let relaxed: String

        /// Reads a folded header field without its line end.
        init(_ text: some StringProtocol) {
            let bytes = text.utf8
            let colon = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
            name = text[..<colon].lowercased().trimmingCharacters(in: .whitespaces)
            let value = colon == bytes.endIndex ? bytes[colon...] : bytes[bytes.index(after: colon)...]
            let words = value.split { $0 == 32 || $0 == 9 || $0 == 13 || $0 == 10 }
            relaxed = name + ":" + words.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
        }
    }

    let fields: [Field]
    /// The canonical form `simple` (RFC 6376 section 3.4.3): a single line end after the last line that is not empty.
    let body: ByteBufferView

    /// The SHA-256 hash of the body.
    var bodyHash: Data {
        var hash = SHA256()
        body.withUnsafeBytes { hash.update(bufferPointer: $0) }
        return Data(hash.finalize())
    }

    init(_ mail: ByteBuffer) {
        let view = mail.readableBytesView
        var lines: [String] = []
        var start = view.startIndex
        // An empty line ends the header.
        while let feed = view[start...].firstIndex(of: 10) {
            defer { start = feed + 1 }
            let line = view[start..<feed].dropLast()
            if line.isEmpty { break }
            if line.first == 32 || line.first == 9, !lines.isEmpty {
                lines[lines.count - 1] += "\r\n" + String(decoding: line, as: UTF8.self)
            } else {
                lines.append(String(decoding: line, as: UTF8.self))
            }
        }
        fields = lines.map { Field($0) }
        var body = view[start...]
        while body.count >= 4, body.suffix(4).elementsEqual([13, 10, 13, 10]) { body = body.dropLast(2) }
        self.body = body
    }
}
