import Foundation

/// The subject of a rejection, judged by its codes and words. Most relays say only at RCPT or after the content that
/// they do not serve this client, its sender, or any more of its mail today. Such a rejection fails no delivery.
enum SMTPRejection: Equatable {
    /// This client, its sender, or the amount that it sends. Every other message would be rejected too.
    case client
    /// Probably this client, although some relays use the same words about a single recipient.
    case probablyClient
    /// A policy that the reply does not explain.
    case unexplainedPolicy
    /// This recipient, or this message.
    case recipientOrMessage

    init(_ reply: SMTPReply) {
        let code = EnhancedStatus(reply.enhancedCode)
        let words = Self.words(of: reply.text)
        self =
            if words.contains(any: Self.sendingLimitPhrases) {
                .client
            } else if code.concernsMailboxOrMessage || words.contains(any: Self.greylistPhrases) {
                .recipientOrMessage
            } else if Self.clientReplies.contains(reply.code) || code.concernsClient
                || words.contains(any: Self.clientPhrases)
            {
                .client
            } else if words.contains(any: Self.recipientPhrases) {
                .recipientOrMessage
            } else if Self.deniesRelaying(words) || code.probablyConcernsClient
                || words.contains(any: Self.probablyClientPhrases)
            {
                .probablyClient
            } else if reply.isPermanent, code.subject == 7 {
                .unexplainedPolicy
            } else {
                .recipientOrMessage
            }
    }

    /// Replies that ask for authentication or encryption, or reject the credentials (RFC 4954 section 6).
    private static let clientReplies: Set = [530, 534, 535, 538]

    /// Phrases about a sending limit. They decide whatever the code, because providers also combine them with codes
    /// about mailboxes.
    private static let sendingLimitPhrases = [
        "sending limit", "sending quota", "send quota", "submissionquota", "submission quota", "outboundspam",
        "max emails", "max defers", "emails per", "relay quota",
    ]

    /// Phrases about greylisting: a policy that lets a later attempt through.
    private static let greylistPhrases = ["greylist", "graylist", "grey list"]

    private static let clientPhrases = [
        "sender address rejected", "sender rejected", "sender denied", "client host rejected", "helo command rejected",
        "sending rate", "daily limit", "daily quota", "hourly limit",
        "hourly quota", "daily message", "message quota", "messages per day", "messages per hour", "rate limit",
        "ratelimit", "exceeded your", "outgoing limit", "outbound limit", "mail limit", "quota of messages",
        "sender quota", "not owned by user", "must authenticate", "must issue a starttls", "permissions to send as",
        "per hour", "per day", "maximum credits", "verified sender", "is not verified", "isn't verified",
        "send as this sender", "service unavailable; client", "too many messages from", "too much mail from",
    ]

    private static let recipientPhrases = [
        "recipient address rejected", "recipient rejected", "recipient not", "recipient's", "the recipient",
        "this recipient",
        "not accept", "n't accept", "does not want", "mailing list", "list member", "members", "moderat", "subscriber",
        "distribution", "this group", "this list", "restricted", "resolver.rst", "this user", "the user", "user has",
        "mailbox", "sender has been blocked by", "blocked by recipient", "blocked by the recipient", "whitelist",
        "allow list", "allowlist", "challenge",
    ]

    private static let probablyClientPhrases = [
        "policy", "not authorized", "not authorised", "unauthorized", "not authenticated", "unauthenticated",
        "authentication", "authenticate", "blocked using", "client blocked", "client host", "your ip", "your host",
        "your server", "your network", "your domain", "your account", "blacklist", "blocklist", "block list",
        "black list", "spamhaus", "reputation", "dmarc", "spf ", "dkim", "reverse dns", "ptr record", "sender",
        "not permitted to send", "not allowed to send", "no permission", "access denied", "account suspended",
        "account disabled", "account is suspended", "credentials", "submission", "connection refused", "policies",
        "rcpthosts", "banned sending",
    ]

    private static func deniesRelaying(_ words: String) -> Bool {
        words.contains("relay")
            && words.contains(any: [
                "denied", "not ", "n't", "unable", "cannot", "prohibit", "refus", "disallow", "no relay",
            ])
    }

    /// The text in lower case without addresses, whose parts could look like one of the phrases.
    private static func words(of text: String) -> String {
        text.lowercased().split(separator: " ").filter { !$0.contains("@") }.joined(separator: " ")
    }
}

/// The subject and detail of an enhanced status code (RFC 3463, with the registry of RFC 5248).
private struct EnhancedStatus {
    let subject: Int
    let detail: Int

    init(_ code: String?) {
        let numbers = (code ?? "").split(separator: ".").map { Int($0) ?? 0 }
        (subject, detail) = numbers.count == 3 ? (numbers[1], numbers[2]) : (0, 0)
    }

    /// Recipient addresses, mailboxes, message sizes and content.
    var concernsMailboxOrMessage: Bool {
        switch subject {
        case 1: ![0, 7, 8].contains(detail)
        case 2, 6: true
        case 3: detail == 4
        default: false
        }
    }

    /// The sender's address (x.1.7, x.1.8), its sending limit (5.4.5, as Gmail uses it) or its credentials.
    var concernsClient: Bool {
        switch (subject, detail) {
        case (1, 7), (1, 8), (4, 5), (7, 8), (7, 11), (7, 57), (7, 60): true
        default: false
        }
    }

    /// Message authentication, the client's network or the provider's rules for it.
    var probablyConcernsClient: Bool {
        subject == 7 && ([3, 9, 20, 21, 22, 23, 24, 25, 26, 27, 28].contains(detail) || (500...799).contains(detail))
    }
}

extension String {
    fileprivate func contains(any phrases: [String]) -> Bool { phrases.contains { contains($0) } }
}
