import Foundation
import Storage

/// Bounces written for people, without a delivery status: those of qmail, older Exim and similar servers.
struct PlainBounce {
    let mail: MIMEPart
    let all: [MIMEPart]

    /// The bounce of a mail to `address`. Nil if the text reports no failure or delay.
    func bounce(of address: String) -> Bounce? {
        guard let text = readableText else { return nil }
        let report = Self.withoutReturnedMessage(text)
        guard isFromMailServer(report) else { return nil }
        let isDelay = Self.delayPhrases.contains { report.localizedCaseInsensitiveContains($0) }
        if isDelay, StatusCode.enhanced(in: report)?.hasPrefix("5") != true {
            return Bounce(kind: .delayed, status: StatusCode.enhanced(in: report), detail: nil)
        }
        return failure(PlainStatement(report, about: address)) ?? failure(PlainStatement(report, about: nil))
            ?? (isPermanentFailure(report) ? Bounce(kind: .failed, status: "5.0.0", detail: nil) : nil)
    }

    /// The failure that a statement reports, from its status or from its words about the mailbox.
    private func failure(_ statement: PlainStatement?) -> Bounce? {
        guard let statement else { return nil }
        if let status = statement.status {
            return Bounce(kind: .failed, status: status, detail: statement.explanation)
        }
        if let line = statement.mailboxLine { return Bounce(kind: .failed, status: "5.0.0", detail: line) }
        guard isPermanentFailure(statement.text) else { return nil }
        return Bounce(kind: .failed, status: "5.0.0", detail: statement.explanation)
    }

    /// Whether the report as a whole is about a permanent failure.
    private func isPermanentFailure(_ report: String) -> Bool {
        mail["x-failed-recipients"] != nil || isReport || Self.mentionsFailure(subject)
            || report.localizedCaseInsensitiveContains("permanent error")
            || report.localizedCaseInsensitiveContains("permanent failure")
    }

    private static let delayPhrases = [
        "delayed", "not yet been delivered", "will be retried", "still being retried", "warning message only",
    ]

    // MARK: - The author

    private var subject: String { mail["subject"] ?? "" }

    var isReport: Bool {
        let type = (mail["content-type"] ?? "").lowercased()
        return type.hasPrefix("multipart/report") && type.contains("delivery-status")
    }

    /// Whether a mail server wrote the message. Servers also send out-of-office replies (RFC 3834), and postmasters
    /// are people who write mail. From those, only a text about undelivered mail counts as a bounce.
    private func isFromMailServer(_ report: String) -> Bool {
        // Exim marks its bounces as automatic replies.
        if mail["x-failed-recipients"] != nil || isReport { return true }
        if ["x-autoreply", "x-autorespond", "x-autoresponse"].contains(where: { mail[$0] != nil }) { return false }
        let from = (mail["from"] ?? "").lowercased()
        let isReply = mail["auto-submitted"]?.lowercased().hasPrefix("auto-replied") == true
        if isDaemon(from) { return !isReply || Self.mentionsFailure(subject) }
        if from.contains("postmaster"), !subject.lowercased().hasPrefix("re:"), Self.mentionsFailure(subject) {
            return true
        }
        guard !isReply, !subject.lowercased().hasPrefix("re:") else { return false }
        // Many programs send mail from these addresses. Only a text that names a mailbox counts as a bounce.
        let isGenericSender = from.contains("postmaster") || from.contains("no-reply@") || from.contains("noreply@")
        return isGenericSender && (Self.mentionsFailure(report) || Self.lines(report).contains(where: Self.isRejection))
            && (from.contains("postmaster") || Self.lines(report).contains(where: MailVerdict.saysOfMailbox))
    }

    private func isDaemon(_ from: String) -> Bool {
        ["mailer-daemon", "mailer daemon", "mailerdaemon", "mail delivery", "mail-daemon"].contains(
            where: from.contains) || from.trimmingCharacters(in: .whitespaces).hasSuffix("<>")
            || mail["return-path"]?.hasPrefix("<>") == true && Self.mentionsFailure(subject)
    }

    /// For example `550 5.1.1 no such user`.
    private static func isRejection(_ line: String) -> Bool {
        StatusCode.find(in: line)?.hasPrefix("5") == true && MailVerdict.saysOfMailbox(line)
    }

    private static func mentionsFailure(_ text: String) -> Bool {
        let words = text.lowercased()
        return failurePhrases.contains { words.contains($0) }
    }

    private static let failurePhrases = [
        "undeliver", "not deliver", "unable to deliver", "trouble delivering", "failed delivery", "be delivered",
        "delivery fail", "delivery status", "delivery report", "delivery problem", "delivery error",
        "delivery has failed", "delivery notification", "mail failure", "failure notice", "returned mail",
        "mail failed",
        "error sending your mail", "returned to sender", "returning message", "non-delivery", "nondeliverable",
        "mail system error", "could not be reached", "couldn't be delivered", "message status - undeliverable",
        "permanent error", "permanent failure", "mail delivery", "rejected", "bounced", "bounce notification",
        "did not reach", "delayed", "could not send message",
    ]

    // MARK: - The text

    /// The human-readable part, without markup.
    private var readableText: String? {
        if let plain = all.first(where: { $0.type == "text/plain" })?.text, plain.contains(where: { !$0.isWhitespace })
        {
            return plain
        }
        if let html = all.first(where: { $0.type == "text/html" }) {
            return Self.withoutMarkup(html.text.prefix(4 * Self.longestText))
        }
        // The report has lost the boundaries between its parts.
        return isReport && all.count == 1 ? mail.text : nil
    }

    private static func withoutMarkup(_ html: Substring) -> String {
        var text = ""
        var isInTag = false
        for character in html {
            switch character {
            case "<":
                isInTag = true
                text.append(" ")
            case ">" where isInTag: isInTag = false
            default: if !isInTag { text.append(character) }
            }
        }
        return text.replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&nbsp;", with: " ")
            .replacing("&#39;", with: "'").replacing("&quot;", with: "\"").replacing("&amp;", with: "&")
    }

    /// In bytes. The texts of mail servers are shorter.
    private static let longestText = 50_000

    /// Cuts off the returned message, which has codes and dates of its own.
    private static func withoutReturnedMessage(_ text: String) -> String {
        var lines: [Substring] = []
        var room = longestText
        for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).prefix(500) {
            let lower = line.lowercased()
            let isCopy = lower.hasPrefix("--") && (lower.contains("copy of") || lower.contains("original message"))
            let isMessage = ["return-path:", "received:", "bounced e-mail:"].contains(where: lower.hasPrefix)
            if isCopy || isMessage || room <= 0 { break }
            lines.append(line.prefix(4000))
            room -= lines[lines.count - 1].utf8.count
        }
        return lines.joined(separator: "\n")
    }

    private static func lines(_ text: String) -> [String] {
        text.split(whereSeparator: \.isNewline).map { MailHeader.oneLine($0.trimmingCharacters(in: .whitespaces)) }
    }
}
