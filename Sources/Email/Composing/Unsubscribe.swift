import Bulletins
import Foundation
import Storage

/// The token in the subject of an unsubscribe mail. It holds the secret of the mail's link and the bulletin's number,
/// as `TOKEN.12` for bulletin 12, or `TOKEN` for a digest.
struct UnsubscribeToken: Equatable, CustomStringConvertible {
    let token: [UInt8]
    let bulletin: Int64?

    init(_ token: [UInt8], bulletin: Int64? = nil) { (self.token, self.bulletin) = (token, bulletin) }

    /// Finds the first token in a subject, whatever words a mail program has added.
    init?(subject: String) {
        let found = subject.split(whereSeparator: \.isWhitespace).lazy.compactMap { word -> UnsubscribeToken? in
            let parts = word.split(separator: ".", maxSplits: 1)
            guard let first = parts.first, let token = Token.bytes(String(first)) else { return nil }
            return UnsubscribeToken(token, bulletin: parts.count == 2 ? Int64(parts[1]) : nil)
        }.first
        guard let found else { return nil }
        self = found
    }

    var description: String { Token.text(token) + (bulletin.map { ".\($0)" } ?? "") }

    /// A mail program names no scope, so the mail ends everything that its recipient gets by it, as a POST by RFC
    /// 8058 does.
    var scope: UnsubscribeScope { .mail(bulletin: bulletin) }
}

/// The headers by which a mail program unsubscribes.
extension MailSettings {
    /// `List-Unsubscribe` (RFC 2369 section 3.2) with a link and, if unsubscribe mail is accepted, an address. A
    /// program that cannot POST sends mail with the token in its subject.
    func unsubscribeHeaders(_ link: String, _ token: UnsubscribeToken) -> String {
        guard let unsubscribeAddress else { return MailHeader.line("List-Unsubscribe", "<\(link)>") + oneClick }
        let address =
            unsubscribeAddress.addingPercentEncoding(withAllowedCharacters: Self.plainInMailto) ?? unsubscribeAddress
        let mailto = "<mailto:\(address)?subject=unsubscribe%20\(token)>"
        return MailHeader.line("List-Unsubscribe", "<\(link)>,", mailto) + oneClick
    }

    /// The characters that a `mailto` address needs no escapes for (RFC 6068 section 2).
    private static let plainInMailto = CharacterSet(
        charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~@+!$'*")

    /// The header for one-click unsubscription. It requires an https link (RFC 8058 section 3.1).
    var oneClick: String {
        publicURL.lowercased().hasPrefix("https://")
            ? MailHeader.line("List-Unsubscribe-Post", "List-Unsubscribe=One-Click") : ""
    }
}
