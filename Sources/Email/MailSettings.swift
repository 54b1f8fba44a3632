/// What mails say of their sender.
package struct MailSettings: Sendable {
    package var from: String
    package var fromName: String
    /// Without a slash at its end.
    package var publicURL: String
    /// Makes ids of mails unique beyond one store.
    package var storeID: String
    /// Where what cannot be delivered comes back to.
    let returnPaths: BounceAddress

    /// `bounceKey` is the store's.
    package init(from: String, fromName: String, publicURL: String, storeID: String, bounceKey: [UInt8]) {
        self.from = from
        self.fromName = fromName
        self.publicURL = publicURL
        self.storeID = storeID
        returnPaths = BounceAddress(from: from, key: bounceKey)
    }

    /// What stands behind the `@` of ids: the sender's domain.
    var domain: String { from.split(separator: "@").last.map(String.init) ?? "localhost" }
}
