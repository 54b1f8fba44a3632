import Bulletins
import Storage

/// What the subject of a mail that unsubscribes holds: the token of the mail's link, and the bulletin that the mail was of.
/// `TOKEN.12` in a bulletin's mail, `TOKEN` in a digest.
struct LeaveToken: Equatable, CustomStringConvertible {
    let token: [UInt8]
    let bulletin: Int64?

    init(_ token: [UInt8], bulletin: Int64? = nil) { (self.token, self.bulletin) = (token, bulletin) }

    /// The first in a subject, whatever words a mail program put around it.
    init?(subject: String) {
        let found = subject.split(whereSeparator: \.isWhitespace).lazy.compactMap { word -> LeaveToken? in
            let parts = word.split(separator: ".", maxSplits: 1)
            guard let first = parts.first, let token = Token.bytes(String(first)) else { return nil }
            return LeaveToken(token, bulletin: parts.count == 2 ? Int64(parts[1]) : nil)
        }.first
        guard let found else { return nil }
        self = found
    }

    var description: String { Token.text(token) + (bulletin.map { ".\($0)" } ?? "") }

    /// A mail program names no scope, so it means all that the mail came by, as a post by RFC 8058 does.
    var scope: UnsubscribeScope { .mail(bulletin: bulletin) }
}
