/// The sender of mails, and the links in them.
package struct MailSettings: Sendable {
    package let from: String
    package let fromName: String
    /// Whether the sender's name is the publisher's.
    package var namesPublishers = false
    /// Without a trailing slash.
    package let publicURL: String
    /// Makes message ids unique across stores.
    package let storeID: String
    /// The sender's domain, used in message ids and DKIM signatures.
    package let domain: String
    /// The return paths of deliveries.
    let returnPaths: BounceAddress
    /// Whether each mail has its own return path. Some relays accept no sender except the user that logged in.
    package var variesReturnPaths = true
    /// The address for unsubscribe mail. Nil if there is none.
    package var unsubscribeAddress: String?

    /// `bounceKey` is the store's.
    package init(from: String, fromName: String, publicURL: String, storeID: String, bounceKey: [UInt8]) {
        self.from = from
        self.fromName = fromName
        self.publicURL = publicURL
        self.storeID = storeID
        domain = from.lastIndex(of: "@").map { String(from[from.index(after: $0)...]) } ?? from
        returnPaths = BounceAddress(from: from, key: bounceKey)
    }
}
