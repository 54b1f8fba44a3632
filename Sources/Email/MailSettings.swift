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

    /// `bounceKey` is the store's.
    package init(
        from: String, fromName: String, publicURL: String, storeID: String, bounceKey: [UInt8],
        namesPublishers: Bool = false
    ) {
        self.namesPublishers = namesPublishers
        self.from = from
        self.fromName = fromName
        self.publicURL = publicURL
        self.storeID = storeID
        domain = from.lastIndex(of: "@").map { String(from[from.index(after: $0)...]) } ?? from
        returnPaths = BounceAddress(from: from, key: bounceKey)
    }
}
