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
        mail = MIMEPart(message)
        all = mail.all
    }

    /// The delivery that it is about. The return path stands in the envelope, if that is known, in the header, or in the
    /// message that came back.
    package func delivery(_ paths: BounceAddress, envelope: [String] = []) -> Int64? {
        let headers = mail.headers.map(\.value)
        return (envelope + headers).lazy.compactMap { paths.delivery(in: $0) }.first
            ?? all.lazy.filter(\.children.isEmpty).compactMap { paths.delivery(in: $0.text) }.first
    }

    /// What it says of a mail to `address`; nil if it is no report of a failure, a delay or a complaint.
    package func bounce(of address: String) -> Bounce? {
        if let report = part("message/feedback-report") { return complaint(report) }
        if let report = part("message/delivery-status", "message/global-delivery-status") {
            return deliveryStatus(report, address)
        }
        return plain()
    }

    private func part(_ types: String...) -> MIMEPart? { all.first { types.contains($0.type) } }

    // MARK: - Complaints (RFC 5965)

    private func complaint(_ report: MIMEPart) -> Bounce? {
        guard let type = fields(report).first.flatMap({ MIMEPart.value("feedback-type", $0) })?.lowercased(),
            Self.complaints.contains(type)
        else { return nil }
        return Bounce(kind: .complaint, status: nil, detail: "feedback-type \(type)")
    }

    /// Of the registered types (RFC 5965 section 7.3) those that a recipient chose; others are reports of how mails were
    /// authenticated (RFC 6591), or that one was no spam.
    private static let complaints: Set = ["abuse", "fraud", "virus", "other", "opt-out"]

    // MARK: - Delivery status (RFC 3464)

    /// Of the recipients that it names, the one of the mail; else the worst, as the address may be an alias of theirs.
    private func deliveryStatus(_ report: MIMEPart, _ address: String) -> Bounce? {
        let recipients = fields(report).filter { fields in
            fields.contains { ["final-recipient", "original-recipient", "action", "status"].contains($0.name) }
        }
        let own = recipients.filter { fields in
            fields.contains { $0.name.hasSuffix("-recipient") && $0.value.lowercased().hasSuffix(address.lowercased()) }
        }
        let bounces = (own.isEmpty ? recipients : own).compactMap(bounce)
        return bounces.first { $0.suppression != nil } ?? bounces.first { $0.kind == .failed } ?? bounces.first
    }

    private func bounce(_ fields: [(name: String, value: String)]) -> Bounce? {
        let diagnostic = MIMEPart.value("diagnostic-code", fields) ?? ""
        let status = Self.status(MIMEPart.value("status", fields).flatMap(StatusCode.enhanced), diagnostic)
        let detail = diagnostic.isEmpty ? nil : diagnostic
        switch MIMEPart.value("action", fields)?.lowercased() {
        case "failed": return Bounce(kind: .failed, status: status ?? "5.0.0", detail: detail)
        case "delayed": return Bounce(kind: .delayed, status: status, detail: detail)
        case nil: return status.map { Bounce(kind: $0.hasPrefix("5") ? .failed : .delayed, status: $0, detail: detail) }
        default: return nil
        }
    }

    /// Some programs know more than their status says; but no bare reply code makes a delay a failure.
    private static func status(_ said: String?, _ diagnostic: String) -> String? {
        guard let said else { return StatusCode.find(in: diagnostic) }
        guard StatusCode.isGeneral(said), let found = StatusCode.find(in: diagnostic) else { return said }
        return found.first == said.first || StatusCode.enhanced(in: diagnostic) != nil ? found : said
    }

    /// The groups of fields that a status is made of, an empty line between them.
    private func fields(_ report: MIMEPart) -> [[(name: String, value: String)]] {
        let text = Array(report.text.utf8)
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
        guard isFromMailServer, let text = all.first(where: { $0.type == "text/plain" })?.text else { return nil }
        let said = Self.withoutReturnedMessage(text)
        let isLate = ["delayed", "will be retried", "still being retried", "warning message only"].contains {
            said.localizedCaseInsensitiveContains($0)
        }
        if isLate, StatusCode.enhanced(in: said)?.hasPrefix("5") != true {
            return Bounce(kind: .delayed, status: StatusCode.enhanced(in: said), detail: nil)
        }
        if let status = StatusCode.find(in: said) {
            return Bounce(kind: .failed, status: status, detail: Self.sentence(with: status, in: said))
        }
        let isForGood =
            mail["x-failed-recipients"] != nil || said.localizedCaseInsensitiveContains("permanent error")
            || said.localizedCaseInsensitiveContains("permanent failure")
        return isForGood ? Bounce(kind: .failed, status: "5.0.0", detail: nil) : nil
    }

    /// People who are away have their servers answer, too (RFC 3834).
    private var isFromMailServer: Bool {
        // Exim says of its bounces that they are replies, too.
        if mail["x-failed-recipients"] != nil { return true }
        if mail["auto-submitted"]?.lowercased().hasPrefix("auto-replied") == true { return false }
        let from = (mail["from"] ?? "").lowercased()
        return ["mailer-daemon", "postmaster", "mail delivery"].contains { from.contains($0) }
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
