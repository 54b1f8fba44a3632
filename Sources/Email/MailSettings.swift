/// What mails say of their sender.
package struct MailSettings: Sendable {
    package var from: String
    package var fromName: String
    /// Without a slash at its end.
    package var publicURL: String
    /// Makes ids of mails unique beyond one store.
    package var storeID: String

    package init(from: String, fromName: String, publicURL: String, storeID: String) {
        self.from = from
        self.fromName = fromName
        self.publicURL = publicURL
        self.storeID = storeID
    }

    /// The envelope's sender, another for each delivery (VERP), so that a bounce names what it answers:
    /// `kabar+b12@desa.example` for delivery 12.
    func returnPath(of delivery: Int64) -> String {
        guard let at = from.lastIndex(of: "@") else { return from }
        return "\(from[..<at])+b\(delivery)\(from[at...])"
    }

    /// What stands behind the `@` of ids: the sender's domain.
    var domain: String { from.split(separator: "@").last.map(String.init) ?? "localhost" }
}
