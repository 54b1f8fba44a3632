/// The codes and words of mail servers, with their meaning. Words are in small letters; those of a longer phrase are found
/// within it, too.
extension MailVerdict {
    static let noMailHere = "its domain takes no mail"

    static let goneCodes: [Code.Key: String] = [
        .init(1, 1): "the mailbox does not exist", .init(1, 2): "its domain does not exist, or takes no mail",
        .init(1, 6): "the mailbox has moved away", .init(1, 10): noMailHere,
    ]

    // MARK: - Words

    /// Of the domain, whatever the code says (RFC 7505).
    static let takesNoMail = [
        "null mx", "nullmx", "doesn't receive email", "does not receive email", "indicated no smtp service",
        "host does not accept mail", "domain does not accept mail", "no mx found for", "no mx record found for",
        "find a mail exchanger", "has no mail exchanger",
    ]

    static let sendersName = ["sender", "mail from", "mailfrom", "return path", "your domain"]

    static let noSuchHost = [
        "host not found", "host or domain name not found", "domain not found", "domain name not found", "nxdomain",
        "unknown host", "host unknown", "no such domain", "no such host", "unknown domain", "domain unknown",
        "invalid domain", "illegal host/domain", "domain does not exist", "domain doesn't exist",
        "couldn't find any host", "no route to domain", "not found by dns", "dns lookup failure: host",
    ]

    static let aboutTheSender = [
        "sender address", "sender verif", "sender verify", "verify sender", "verify the sender", "sender domain",
        "sender's", "domain of sender", "domain of the sender", "envelope sender", "envelope from", "return path",
        "return-path", "mail from", "mailfrom", "from address", "sending domain", "your domain", "originator",
        "relay access", "relaying", "not relay", "to relay", "mail relay", "sender rejected", "sender denied",
        "sender blocked", "sender is", "sending ip", "sending mail of domain", "allowed to send", "permitted to send",
        "valid from", "mismatches client", "not verified", "client host", "host network", "no access from",
        "name was rejected", "ip name lookup", "after initial connection", "after ehlo", "after helo",
        "to ehlo command", "to helo command", "sending quota", "sending limit", "send quota", "send limit",
        "relay quota", "sender quota", "daily limit", "daily quota", "daily user", "daily relay", "daily message",
        "hourly limit", "hourly quota", "messages per", "outgoing limit", "outbound limit", "rate limit",
        "ratelimit", "frequency limited", "ip reputation", "user complaints", "not a member", "permission to post",
    ]

    static let full = [
        "mailbox full", "mailbox is full", "mailbox for user is full", "quota", "over limit", "out of storage",
        "insufficient storage", "insufficient space", "insufficient system", "insufficient disk", "not enough storage",
        "not enough disk", "not enough space", "disk full", "too much mail data", "inbox is full", "mailbox lleno",
        "storage limit", "account is full", "exceeded its disk", "exceeds allowed message count", "full mailbox",
        "exceeded storage", "exceeded the storage", "exceeded allocated", "mail box full", "maildir full",
        "maildir over", "kotak surat penuh",
    ]

    /// Their owner, or their server, may turn them on again.
    static let suspended = [
        "suspended", "temporarily disabled", "temporarily locked", "temporary locked", "temporarily inactive",
        "temporarily deactivated", "temporarily unavailable", "account is locked", "account locked",
        "mailbox is locked", "mailbox locked", "mailbox is frozen", "account is frozen", "account is blocked",
        "mailbox is blocked", "user is blocked", "account has been blocked", "ditangguhkan",
    ]

    /// A filter of the recipient's, or a program of the receiver's that did not work.
    static let ofTheReceiver = [
        "recipient preferences", "message filtered", "couldn't create", "can't create", "cannot create",
        "may not exist", "recipient address rejected: access denied by the user",
    ]

    static let gaveUp = [
        "retry timeout", "retry time not", "timed out", "timeout", "time out", "time expired", "message expired",
        "envelope expired", "has expired in", "expired after", "too long in", "queue too long",
        "could not connect", "couldn't connect", "connection refused", "connection lost", "lost connection",
        "no route to host", "network is unreachable", "not reachable", "temporar",
    ]

    static let later = ["try again", "try later", "rate that", "expired"]

    static let unknown = [
        "user unknown", "unknown user", "no such user", "no such address", "no such mailbox", "no such recipient",
        "no such account", "no such person", "no such local", "no user here", "unknown recipient", "recipient unknown",
        "unknown mailbox", "mailbox unknown", "address unknown", "unknown account",
        "account unknown", "addressee unknown", "unknown local part", "unknown local-part", "unknown or illegal alias",
        "mailbox not found", "user not found", "recipient not found", "account not found", "address not found",
        "address couldn't be found", "recipientnotfound", "recipnotfound", "recipient name is not recognized",
        "does not exist", "doesn't exist", "not exist", "no longer exist", "nonexistent", "non-existent",
        "invalid recipient", "invalid mailbox", "invalid user", "invalid final delivery userid", "invalid address",
        "no mailbox here", "a known user", "a valid user", "a valid mailbox", "a valid recipient", "a local user",
        "a registered", "not a user", "user doesn't have", "user does not have", "not listed in domino",
        "not listed in public", "unrouteable address", "unroutable address", "no mailbox", "user is unknown",
        "user invalid", "not our customer", "no account", "no longer on server", "recipient is not recognized",
        "tidak dikenal", "tidak ditemukan", "tidak terdaftar",
    ]

    static let disabled = [
        "account disabled", "account is disabled", "account has been disabled",
        "account that you tried to reach is disabled",
        "mailbox disabled", "disabled recipient", "disabled mailbox", "disabled user",
        "mailbox is disabled", "mailbox has been disabled", "user disabled", "user is disabled", "reach is disabled",
        "been deactivated", "is deactivated", "account deactivated", "account is inactive", "inactive account",
        "mailbox is inactive", "is inactive", "user inactive", "inactive user", "been discontinued", "been closed",
        "account closed", "been deleted", "been terminated", "been removed", "no longer accept",
        "no longer available", "no longer valid", "no longer in use", "no longer active", "no longer used",
        "no longer work", "no longer employ", "been disabled", "account expired", "account has expired",
        "mailbox expired", "mailbox has expired", "sudah tidak aktif",
    ]

    static let senders = [
        "spam", "junk", "blocked", "blacklist", "black list", "blocklist", "block list", "denylist", "reputation",
        "dkim", "dmarc", "spf ", "spf:", "reverse dns", "reverse lookup", "ptr ", "rdns", "unverif", "policy",
        "policies", "virus", "malware", "message content", "content filter", "content reject", "content refus",
        "its content", "not authorized", "unauthenticated", "authentication", "too large",
        "too big", "size limit", "message size", "message length", "line limit", "too many recipients",
        "too many messages", "too many connections", "slow down", "dnsbl", "rbl", "helo", "hop count", "too many hops",
        "mail loop", "loops back", "abuse", "unwanted", "unsolicited", "complaint", "not accepting connections",
        "protocol violation", "command parameter", "sequence of commands", "mail rejete", "(bl)", "spamhaus",
        "greylist", "graylist", "greylisted", "smtputf8", "send mail as", "malformed",
    ]
}
