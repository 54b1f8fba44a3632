import Foundation

/// Whom a refusal speaks of: most relays say only when they hear the recipient, or the content, that they do not serve
/// this client, its sender, or more of its mails today.
enum Refusal: Equatable {
    /// This client, its sender, or how much it sends: every other mail would hear the same.
    case ofClient
    /// Most probably this client; but some relays say it of one recipient, too.
    case probablyOfClient
    /// A policy that is not explained.
    case ofUnknown
    /// This recipient, or this message.
    case ofMessage

    init(_ reply: SMTPReply) {
        let code = EnhancedStatus(reply.enhancedCode)
        let words = Self.words(of: reply.text)
        self =
            if words.contains(any: Self.senderWords) {
                .ofClient
            } else if code.isOfMailboxOrMessage || words.contains(any: Self.greylists) {
                .ofMessage
            } else if Self.clientReplies.contains(reply.code) || code.isOfClient
                || words.contains(any: Self.clientWords)
            {
                .ofClient
            } else if words.contains(any: Self.recipientWords) {
                .ofMessage
            } else if Self.speaksOfRelaying(words) || code.isProbablyOfClient || words.contains(any: Self.probably) {
                .probablyOfClient
            } else if reply.isPermanent, code.subject == 7 {
                .ofUnknown
            } else {
                .ofMessage
            }
    }

    /// Authentication is needed, too weak, refused, or needs encryption (RFC 4954 section 6).
    private static let clientReplies: Set = [530, 534, 535, 538]

    /// Of how much the sender may send: with any code, also of those that speak of mailboxes.
    private static let senderWords = [
        "sending limit", "sending quota", "send quota", "submissionquota", "submission quota", "outboundspam",
        "max emails", "max defers", "emails per", "relay quota",
    ]

    /// A policy of the relay's, but one that passes.
    private static let greylists = ["greylist", "graylist", "grey list"]

    private static let clientWords = [
        "sender address rejected", "sender rejected", "sender denied", "client host rejected", "helo command rejected",
        "sending rate", "daily limit", "daily quota", "hourly limit",
        "hourly quota", "daily message", "message quota", "messages per day", "messages per hour", "rate limit",
        "ratelimit", "exceeded your", "outgoing limit", "outbound limit", "mail limit", "quota of messages",
        "sender quota", "not owned by user", "must authenticate", "must issue a starttls", "permissions to send as",
        "per hour", "per day", "maximum credits", "verified sender", "is not verified", "isn't verified",
        "send as this sender", "service unavailable; client", "too many messages from", "too much mail from",
    ]

    private static let recipientWords = [
        "recipient address rejected", "recipient rejected", "recipient not", "recipient's", "the recipient",
        "this recipient",
        "not accept", "n't accept", "does not want", "mailing list", "list member", "members", "moderat", "subscriber",
        "distribution", "this group", "this list", "restricted", "resolver.rst", "this user", "the user", "user has",
        "mailbox", "sender has been blocked by", "blocked by recipient", "blocked by the recipient", "whitelist",
        "allow list", "allowlist", "challenge",
    ]

    private static let probably = [
        "policy", "not authorized", "not authorised", "unauthorized", "not authenticated", "unauthenticated",
        "authentication", "authenticate", "blocked using", "client blocked", "client host", "your ip", "your host",
        "your server", "your network", "your domain", "your account", "blacklist", "blocklist", "block list",
        "black list", "spamhaus", "reputation", "dmarc", "spf ", "dkim", "reverse dns", "ptr record", "sender",
        "not permitted to send", "not allowed to send", "no permission", "access denied", "account suspended",
        "account disabled", "account is suspended", "credentials", "submission", "connection refused", "policies",
        "rcpthosts", "banned sending",
    ]

    private static func speaksOfRelaying(_ words: String) -> Bool {
        words.contains("relay")
            && words.contains(any: [
                "denied", "not ", "n't", "unable", "cannot", "prohibit", "refus", "disallow", "no relay",
            ])
    }

    /// In small letters, without addresses, whose names say nothing.
    private static func words(of text: String) -> String {
        text.lowercased().split(separator: " ").filter { !$0.contains("@") }.joined(separator: " ")
    }
}

/// The numbers of an enhanced status code (RFC 3463, and the list of RFC 5248).
private struct EnhancedStatus {
    let subject: Int
    let detail: Int

    init(_ code: String?) {
        let numbers = (code ?? "").split(separator: ".").map { Int($0) ?? 0 }
        (subject, detail) = numbers.count == 3 ? (numbers[1], numbers[2]) : (0, 0)
    }

    /// Addresses but for the sender's, mailboxes, sizes, contents.
    var isOfMailboxOrMessage: Bool {
        switch subject {
        case 1: ![0, 7, 8].contains(detail)
        case 2, 6: true
        case 3: detail == 4
        default: false
        }
    }

    /// The sender's address (x.1.7, x.1.8), how much it sends (5.4.5 as Gmail says it), its credentials.
    var isOfClient: Bool {
        switch (subject, detail) {
        case (1, 7), (1, 8), (4, 5), (7, 8), (7, 11), (7, 57), (7, 60): true
        default: false
        }
    }

    /// How its mails are signed, where it sends from, what its provider allows it.
    var isProbablyOfClient: Bool {
        subject == 7 && ([3, 9, 20, 21, 22, 23, 24, 25, 26, 27, 28].contains(detail) || (500...799).contains(detail))
    }
}

extension String {
    fileprivate func contains(any phrases: [String]) -> Bool { phrases.contains { contains($0) } }
}
