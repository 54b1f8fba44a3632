import Addresses
import Bulletins
import Foundation
package import Storage

/// Reads what comes to return paths: reports of failures and delays (RFC 3464, and the common ones from before it or
/// beside it), complaints (RFC 5965), and what is neither, such as the answers of people who are away.
package struct BounceReader {
    private let mail: MIMEPart
    private let all: [MIMEPart]

    /// A whole message, with any line ends.
    package init(_ message: [UInt8]) {
        mail = MIMEPart(Self.withLineFeeds(message))
        all = mail.all
    }

    /// Some programs end lines with CR alone.
    private static func withLineFeeds(_ message: [UInt8]) -> [UInt8] {
        message.contains(0x0A) ? message : message.map { $0 == 0x0D ? 0x0A : $0 }
    }

    /// The delivery that it is about. The return path stands in the envelope, if that is known, in the header, or in the
    /// message that came back.
    package func delivery(_ paths: BounceAddress, envelope: [String] = []) -> Int64? {
        let headers = mail.headers.map(\.value)
        return (envelope + headers).lazy.compactMap { paths.delivery(in: $0) }.first
            ?? all.lazy.filter(\.children.isEmpty).compactMap { paths.delivery(in: $0.text) }.first
    }

    /// What a mail that unsubscribes has in its subject.
    var leaveToken: LeaveToken? { mail["subject"].flatMap(LeaveToken.init(subject:)) }

    /// What it says of a mail to `address`; nil if it is no report of a failure, a delay or a complaint.
    package func bounce(of address: String) -> Bounce? {
        if let report = part("message/feedback-report") { return complaint(report) }
        if let report = part("message/delivery-status", "message/global-delivery-status") {
            let recipients = recipients(report.text)
            // Some reports name the recipient only in the part for people to read.
            return recipients.isEmpty ? plain() : deliveryStatus(recipients, address)
        }
        // Some reports have lost the boundaries of their parts on the way.
        let strewn = isReport ? recipients(mail.text).filter { Self.names("action", $0) } : []
        return strewn.isEmpty ? plain() : deliveryStatus(strewn, address)
    }

    private static func names(_ field: String, _ fields: [(name: String, value: String)]) -> Bool {
        fields.contains { $0.name == field }
    }

    private func part(_ types: String...) -> MIMEPart? { all.first { types.contains($0.type) } }

    // MARK: - Complaints (RFC 5965)

    private func complaint(_ report: MIMEPart) -> Bounce? {
        guard let type = fields(report.text).first.flatMap({ MIMEPart.value("feedback-type", $0) })?.lowercased(),
            Self.complaints.contains(type)
        else { return nil }
        return Bounce(kind: .complaint, status: nil, detail: "feedback-type \(type)")
    }

    /// Of the registered types (RFC 5965 section 7.3) those that a recipient chose; others are reports of how mails were
    /// authenticated (RFC 6591), or that one was no spam.
    private static let complaints: Set = ["abuse", "fraud", "virus", "other", "opt-out"]

    // MARK: - Delivery status (RFC 3464)

    /// Of the recipients that it names, the one of the mail; else the worst, as the address may be an alias of theirs.
    private func deliveryStatus(_ recipients: [[(name: String, value: String)]], _ address: String) -> Bounce? {
        let own = Self.mailbox(address)
        let named = recipients.filter { fields in
            fields.contains { $0.name.hasSuffix("-recipient") && Self.mailbox($0.value) == own }
        }
        let bounces = (named.isEmpty ? recipients : named).compactMap(bounce)
        return bounces.first { $0.suppresses } ?? bounces.first { $0.kind == .failed } ?? bounces.first
    }

    /// The address in `rfc822; Budi@Desa.Example`, as addresses are compared.
    private static func mailbox(_ field: String) -> String {
        let said = field.split(separator: ";").last.map(String.init) ?? field
        let address = said.trimmingCharacters(in: CharacterSet(charactersIn: " \t<>"))
        return MailAddress.folded((try? MailAddress(address, scope: .anyHost))?.description ?? address)
    }

    private func recipients(_ report: String) -> [[(name: String, value: String)]] {
        fields(report).filter { fields in
            fields.contains { ["final-recipient", "original-recipient", "action", "status"].contains($0.name) }
        }
    }

    /// What a recipient's fields say happened, in the words of RFC 3464 section 2.3.3 and near them, and with comments.
    private enum Action {
        case failed, delayed, reached, unsaid

        init(_ said: String?) {
            let word = (said ?? "").lowercased().drop { !$0.isLetter }
            self =
                if word.hasPrefix("fail") || word.hasPrefix("expire") {
                    .failed
                } else if word.hasPrefix("delay") {
                    .delayed
                } else if ["deliver", "relay", "expan", "success"].contains(where: word.hasPrefix) {
                    .reached
                } else {
                    .unsaid
                }
        }
    }

    private func bounce(_ fields: [(name: String, value: String)]) -> Bounce? {
        let diagnostic = MIMEPart.value("diagnostic-code", fields) ?? ""
        let status = Self.status(MIMEPart.value("status", fields).flatMap(StatusCode.enhanced), diagnostic)
        let detail = diagnostic.isEmpty ? nil : diagnostic
        switch Action(MIMEPart.value("action", fields)) {
        case .failed: return Bounce(kind: .failed, status: status ?? "5.0.0", detail: detail)
        case .delayed: return Bounce(kind: .delayed, status: status, detail: detail)
        case .reached: return nil
        case .unsaid:
            return status.map { Bounce(kind: $0.hasPrefix("5") ? .failed : .delayed, status: $0, detail: detail) }
        }
    }

    /// Some programs know more than their status says; but no bare reply code makes a delay a failure.
    private static func status(_ said: String?, _ diagnostic: String) -> String? {
        guard let said else { return StatusCode.find(in: diagnostic) }
        guard StatusCode.isGeneral(said), let found = StatusCode.find(in: diagnostic) else { return said }
        return found.first == said.first || StatusCode.enhanced(in: diagnostic) != nil ? found : said
    }

    /// The groups of fields that a status is made of, an empty line between them.
    private func fields(_ report: String) -> [[(name: String, value: String)]] {
        let text = Array(report.utf8)
        var lines = LineReader(text[...])
        var groups: [[(name: String, value: String)]] = []
        while !lines.rest.isEmpty, groups.count < 1000 {
            let group = MIMEPart.readHeaders(&lines)
            if !group.isEmpty { groups.append(group) }
        }
        return groups
    }

    // MARK: - Without a report

    /// What a mail server wrote for people to read: qmail's, Exim's of old, and the like.
    private func plain() -> Bounce? {
        guard let text = readableText else { return nil }
        let said = Self.withoutReturnedMessage(text)
        guard isFromMailServer(said) else { return nil }
        let isLate = [
            "delayed", "not yet been delivered", "will be retried", "still being retried", "warning message only",
        ].contains {
            said.localizedCaseInsensitiveContains($0)
        }
        if isLate, StatusCode.enhanced(in: said)?.hasPrefix("5") != true {
            return Bounce(kind: .delayed, status: StatusCode.enhanced(in: said), detail: nil)
        }
        if let status = StatusCode.find(in: said) {
            return Bounce(kind: .failed, status: status, detail: Self.sentence(with: status, in: said))
        }
        if let line = Self.lines(said).first(where: MailVerdict.saysOfMailbox) {
            return Bounce(kind: .failed, status: "5.0.0", detail: line)
        }
        let isForGood =
            mail["x-failed-recipients"] != nil || isReport || Self.speaksOfFailure(mail["subject"] ?? "")
            || said.localizedCaseInsensitiveContains("permanent error")
            || said.localizedCaseInsensitiveContains("permanent failure")
        return isForGood ? Bounce(kind: .failed, status: "5.0.0", detail: nil) : nil
    }

    /// The part that people are to read, without what marks it up.
    private var readableText: String? {
        if let plain = all.first(where: { $0.type == "text/plain" })?.text, plain.contains(where: { !$0.isWhitespace })
        {
            return plain
        }
        return all.first { $0.type == "text/html" }.map { Self.withoutMarkup($0.text) }
    }

    private static func withoutMarkup(_ html: String) -> String {
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

    private var isReport: Bool {
        let type = (mail["content-type"] ?? "").lowercased()
        return type.hasPrefix("multipart/report") && type.contains("delivery-status")
    }

    /// People who are away have their servers answer, too (RFC 3834), and people are postmasters: from those only what
    /// speaks of mail that was not delivered is a bounce.
    private func isFromMailServer(_ said: String) -> Bool {
        // Exim says of its bounces that they are replies, too.
        if mail["x-failed-recipients"] != nil || isReport { return true }
        if ["x-autoreply", "x-autorespond", "x-autoresponse"].contains(where: { mail[$0] != nil }) { return false }
        let subject = mail["subject"] ?? ""
        let from = (mail["from"] ?? "").lowercased()
        let isDaemon =
            ["mailer-daemon", "mailer daemon", "mailerdaemon", "mail delivery", "mail-daemon"].contains {
                from.contains($0)
            }
            || from.trimmingCharacters(in: .whitespaces).hasSuffix("<>")
            || mail["return-path"]?.hasPrefix("<>") == true && Self.speaksOfFailure(subject)
        let isReply = mail["auto-submitted"]?.lowercased().hasPrefix("auto-replied") == true
        if isDaemon { return !isReply || Self.speaksOfFailure(subject) }
        guard from.contains("postmaster"), !isReply else { return false }
        return !subject.lowercased().hasPrefix("re:") && (Self.speaksOfFailure(subject) || Self.speaksOfFailure(said))
    }

    private static func speaksOfFailure(_ text: String) -> Bool {
        let words = text.lowercased()
        return [
            "undeliver", "not deliver", "unable to deliver", "trouble delivering", "failed delivery", "be delivered",
            "delivery fail", "delivery status", "delivery report",
            "delivery problem", "delivery error", "delivery has failed", "delivery notification", "mail failure",
            "failure notice",
            "returned mail", "mail failed", "error sending your mail", "returned to sender", "returning message",
            "non-delivery", "nondeliverable",
            "mail system error",
            "could not be reached", "couldn't be delivered", "message status - undeliverable", "permanent error",
            "permanent failure", "mail delivery", "rejected", "bounced", "delayed", "could not send message",
        ].contains { words.contains($0) }
    }

    private static func lines(_ text: String) -> [String] {
        text.split(whereSeparator: \.isNewline).map {
            MailHeader.oneLine($0.trimmingCharacters(in: .whitespaces))
        }
    }

    /// The returned message has codes and dates of its own.
    private static func withoutReturnedMessage(_ text: String) -> String {
        var lines: [Substring] = []
        for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).prefix(500) {
            let lower = line.lowercased()
            let isCopy = lower.hasPrefix("--") && (lower.contains("copy of") || lower.contains("original message"))
            if isCopy || lower.hasPrefix("return-path:") || lower.hasPrefix("received:") { break }
            lines.append(line)
        }
        return lines.joined(separator: "\n")
    }

    private static func sentence(with status: String, in text: String) -> String? {
        text.split(whereSeparator: \.isNewline).first { StatusCode.find(in: String($0)) == status }
            .map { MailHeader.oneLine($0.trimmingCharacters(in: .whitespaces)) }
    }
}
