import Foundation

/// What mails say of their sender.
package struct MailSettings: Sendable {
    package let from: String
    package let fromName: String
    /// Whether a bulletin's mail bears its publisher's name instead.
    package let namesPublishers: Bool
    /// Only links by https may be taken in one click (RFC 8058 section 3.1).
    var oneClick: String {
        publicURL.lowercased().hasPrefix("https://")
            ? MailHeader.line("List-Unsubscribe-Post", "List-Unsubscribe=One-Click") : ""
    }
    /// Without a slash at its end.
    package let publicURL: String
    /// Makes ids of mails unique beyond one store.
    package let storeID: String
    /// The sender's domain: what stands behind the `@` of ids, and who signs.
    package let domain: String
    /// Where what cannot be delivered comes back to.
    let returnPaths: BounceAddress
    /// Whether each mail has a return path of its own; some relays take no sender but the one that logged in.
    let variesReturnPaths: Bool
    /// Takes mails that end what a link would end; nil for none.
    let leaveAddress: String?

    /// `List-Unsubscribe` (RFC 2369 section 3.2) with a link and, where mails are taken for it, an address: a program that
    /// posts nothing sends a mail whose subject has the link's token.
    func leave(_ link: String, _ token: LeaveToken) -> String {
        guard let leaveAddress else { return MailHeader.line("List-Unsubscribe", "<\(link)>") + oneClick }
        let address = leaveAddress.addingPercentEncoding(withAllowedCharacters: Self.plainInMailto) ?? leaveAddress
        let mailto = "<mailto:\(address)?subject=unsubscribe%20\(token)>"
        return MailHeader.line("List-Unsubscribe", "<\(link)>,", mailto) + oneClick
    }

    /// RFC 6068 section 2.
    private static let plainInMailto = CharacterSet(
        charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~@+!$'*")

    /// `bounceKey` is the store's.
    package init(
        from: String, fromName: String, publicURL: String, storeID: String, bounceKey: [UInt8],
        namesPublishers: Bool = false, variesReturnPaths: Bool = true, leaveAddress: String? = nil
    ) {
        self.variesReturnPaths = variesReturnPaths
        self.leaveAddress = leaveAddress
        self.namesPublishers = namesPublishers
        self.from = from
        self.fromName = fromName
        self.publicURL = publicURL
        self.storeID = storeID
        domain = from.lastIndex(of: "@").map { String(from[from.index(after: $0)...]) } ?? from
        returnPaths = BounceAddress(from: from, key: bounceKey)
    }
}
