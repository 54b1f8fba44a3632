/// How a client proves who it is (RFC 4954).
public enum SMTPAuthentication: String, Sendable, Hashable, CaseIterable {
    /// RFC 7677. The password does not go over the wire.
    case scramSHA256 = "scram-sha-256"
    /// RFC 4616.
    case plain
    /// Never a standard, and still all that some relays offer.
    case login
    /// A token of OAuth 2.0 in place of a password, as the large mailbox providers take it.
    case xoauth2

    /// As EHLO names it.
    var mechanism: String { rawValue.uppercased() }

    /// In this order, where the settings name none; a token is not tried by itself, for a password is none.
    static let preferred: [SMTPAuthentication] = [.scramSHA256, .plain, .login]
}
