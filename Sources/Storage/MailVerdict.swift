/// The judgement of a mail that was not delivered, the same whether the relay refused it or a report came back later:
/// does the address take no mail any more, or at present, or is it not the address's fault at all?
package enum MailVerdict: Sendable, Equatable {
    /// The mailbox does not exist, or is turned off for good. In words.
    case gone(String)
    /// The mailbox, or the way to it, takes nothing at present. In words.
    case trouble(String)
    /// A fault of the sender, its relay or the message, or a policy about these: it says nothing of the address.
    case ofTheSender

    /// `status` is an enhanced status code (RFC 3463), or nil; `text` is what was said.
    package init(status: String?, text: String?) {
        let code = Code(status)
        let words = Self.words(of: text ?? "")
        self =
            if words.contains(any: Self.aboutTheSender) {
                .ofTheSender
            } else if words.contains(any: Self.full) || code.isAnyOf((2, 2)) {
                .trouble("the mailbox is full")
            } else if words.contains(any: Self.notReached), !code.isAnyOf((4, 3), (4, 4)) {
                .trouble("its mail server was not reached in time")
            } else if code.kind != 4, words.contains(any: Self.unknown) {
                .gone("the mailbox does not exist")
            } else if code.kind != 4, ![3, 6, 7].contains(code.subject), words.contains(any: Self.disabled) {
                .gone("the mailbox is turned off for good")
            } else if code.isAnyOf((3, 4)) || code.subject == 6 || code.subject == 7
                || code.isAnyOf((4, 5), (4, 6), (1, 7), (1, 8))
                || words.contains(any: Self.senders)
            {
                .ofTheSender
            } else if code.isAnyOf((4, 3), (4, 4)), !words.contains(any: Self.noSuchHost) {
                // The relay cannot look the domain up; it does not say that there is none.
                .ofTheSender
            } else if code.kind == 5, let why = Self.goneCodes[Code.Key(code.subject, code.detail)] {
                .gone(why)
            } else {
                .trouble(
                    code.subject == 2 ? "the mailbox takes no mail at present" : "mail to it could not be delivered")
            }
    }

    /// Whether a line without a code says, in words that are known, that a mailbox is not there, turned off or full.
    package static func saysOfMailbox(_ line: String) -> Bool {
        let words = words(of: line)
        return !words.contains(any: aboutTheSender)
            && (words.contains(any: unknown) || words.contains(any: disabled) || words.contains(any: full))
    }

    /// Of a reply in a session: its code, and what was said, which may begin with an enhanced code.
    package init(reply: String?, detail: String?) {
        guard let kind = reply?.first, kind == "4" || kind == "5" else {
            // Nobody said anything about the address.
            self = .ofTheSender
            return
        }
        let first = (detail ?? "").prefix { $0 != " " }
        self.init(status: Code(String(first)).kind == 0 ? "\(kind).0.0" : String(first), text: detail)
    }

    private static let goneCodes: [Code.Key: String] = [
        .init(1, 1): "the mailbox does not exist", .init(1, 2): "its domain does not exist, or takes no mail",
        .init(1, 6): "the mailbox has moved away", .init(1, 10): "its domain takes no mail",
    ]

    private static let noSuchHost = ["not found", "no such", "nxdomain", "unknown host", "host unknown", "find a mail"]

    private static let aboutTheSender = [
        "sender address", "sender verif", "sender verify", "verify sender", "verify the sender", "sender domain",
        "sender's", "domain of sender", "domain of the sender", "envelope sender", "envelope from", "return path",
        "return-path", "mail from", "from address", "sending domain", "your domain", "originator", "relay access",
        "relaying", "not relay", "to relay",
    ]

    private static let full = [
        "mailbox full", "mailbox is full", "mailbox for user is full", "quota", "over limit", "out of storage",
        "insufficient storage", "insufficient space", "not enough storage", "too much mail data", "inbox is full",
        "storage limit", "account is full", "exceeded its disk", "exceeds allowed message count",
    ]

    private static let notReached = [
        "retry timeout", "retry time not", "timed out", "timeout", "expired", "too long in", "queue too long",
        "could not connect",
        "connection refused", "connection lost", "no route to host", "network is unreachable", "temporar", "try again",
        "try later", "rate that", "not reachable",
    ]

    private static let unknown = [
        "user unknown", "unknown user", "no such user", "no such address", "no such mailbox", "no such recipient",
        "no such account", "no such person", "no such local", "no user here", "unknown recipient", "recipient unknown",
        "unknown mailbox", "mailbox unknown", "address unknown", "unknown account",
        "account unknown",
        "addressee unknown", "unknown local part", "unknown or illegal alias", "mailbox not found", "user not found",
        "recipient not found", "account not found", "address not found", "recipientnotfound", "recipnotfound",
        "does not exist", "doesn't exist", "no longer exist", "invalid recipient", "invalid mailbox",
        "no mailbox here", "a known user", "a valid user", "a valid mailbox", "a valid recipient", "a local user",
        "user doesn't have", "not listed in domino", "not listed in public",
        "unrouteable address", "unroutable address", "no mailbox", "user is unknown", "user invalid",
        "tidak dikenal", "tidak ditemukan",
    ]

    private static let disabled = [
        "account disabled", "account is disabled", "account has been disabled", "mailbox disabled",
        "mailbox is disabled", "mailbox has been disabled", "user disabled", "user is disabled", "reach is disabled",
        "been deactivated", "is deactivated", "account deactivated", "account is inactive", "inactive account",
        "mailbox is inactive", "is inactive", "user inactive", "inactive user", "been discontinued", "been closed",
        "account closed", "been deleted", "been terminated", "no longer accept", "no longer available",
        "no longer valid",
        "no longer in use", "no longer active", "no longer used", "no longer work", "no longer employ", "been disabled",
    ]

    private static let senders = [
        "spam", "junk", "blocked", "blacklist", "black list", "blocklist", "block list", "denylist", "reputation",
        "dkim",
        "dmarc", "spf ", "spf:", "reverse dns", "reverse lookup", "ptr ", "rdns", "policy", "virus", "malware",
        "content",
        "not authorized", "unauthenticated", "authentication", "too large", "too big", "size limit", "message size",
        "too many recipients", "too many messages", "rate limit", "slow down", "dnsbl", "rbl", "helo", "hop count",
        "mail loop", "loops back", "abuse",
    ]

    /// In small letters, without addresses, whose names say nothing.
    private static func words(of text: String) -> String {
        text.prefix(4000).lowercased().split(whereSeparator: \.isWhitespace).filter { !$0.contains("@") }
            .joined(separator: " ")
    }

    /// The numbers of an enhanced status code; zero for all that is none.
    private struct Code {
        struct Key: Hashable {
            let subject: Int
            let detail: Int
            init(_ subject: Int, _ detail: Int) { (self.subject, self.detail) = (subject, detail) }
        }

        let kind: Int
        let subject: Int
        let detail: Int

        init(_ status: String?) {
            let parts = (status ?? "").split(separator: ".", omittingEmptySubsequences: false)
            let numbers = parts.compactMap { Int($0) }
            let isCode = parts.count == 3 && numbers.count == 3 && (numbers[0] == 4 || numbers[0] == 5)
            (kind, subject, detail) = isCode ? (numbers[0], numbers[1], numbers[2]) : (0, 0, 0)
        }

        func isAnyOf(_ pairs: (Int, Int)...) -> Bool { pairs.contains { $0 == (subject, detail) } }
    }
}

extension String {
    fileprivate func contains(any phrases: [String]) -> Bool { phrases.contains { contains($0) } }
}
