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
        if isComplaintOfHotmail { return Bounce(kind: .complaint, status: nil, detail: "complaint about message") }
        let plain = PlainBounce(mail: mail, all: all)
        if let report = part("message/delivery-status", "message/global-delivery-status") {
            let recipients = recipients(report.text)
            // Some reports name the recipient only in the part for people to read.
            return recipients.isEmpty ? plain.bounce(of: address) : deliveryStatus(recipients, address, plain)
        }
        // Some reports have lost the boundaries of their parts on the way.
        let strewn = plain.isReport ? recipients(mail.text).filter { Self.names("action", $0) } : []
        return strewn.isEmpty ? plain.bounce(of: address) : deliveryStatus(strewn, address, plain)
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

    /// Microsoft's consumer mailboxes send the mail back without a report.
    private var isComplaintOfHotmail: Bool {
        mail["subject"]?.lowercased().hasPrefix("complaint about message from") == true
            && part("message/rfc822")?.text.lowercased().contains("x-hmxmroriginalrecipient:") == true
    }

    // MARK: - Delivery status (RFC 3464)

    /// Of the recipients that it names, the one of the mail. Else the address is an alias of theirs: it is gone if all of
    /// them are, as those of whom nothing is said have the mail.
    private func deliveryStatus(
        _ recipients: [[(name: String, value: String)]], _ address: String, _ plain: PlainBounce
    ) -> Bounce? {
        let mailbox = Self.mailbox(address)
        let own = recipients.filter { fields in
            fields.contains { $0.name.hasSuffix("-recipient") && Self.mailbox($0.value) == mailbox }
        }
        let said = (own.isEmpty ? recipients : own).count == 1 ? plain.bounce(of: address) : nil
        let bounces = (own.isEmpty ? recipients : own).map { explained(bounce($0), said) }
        let failures = bounces.compactMap(\.self).filter { $0.kind == .failed }
        if own.isEmpty, let alive = bounces.first(where: { $0?.suppresses != true }) {
            return failures.first { !$0.suppresses } ?? alive ?? nil
        }
        return failures.first { $0.suppresses } ?? failures.first ?? bounces.compactMap(\.self).first
    }

    /// A failure whose fields say no more than that may be explained in the part that people are to read.
    private func explained(_ bounce: Bounce?, _ said: Bounce?) -> Bounce? {
        guard let bounce, bounce.kind == .failed, let status = bounce.status, StatusCode.isVague(status),
            !MailVerdict.saysWhy(bounce.detail ?? ""), let said, let detail = said.detail
        else { return bounce }
        let isMore = said.status.map { !StatusCode.isVague($0) && $0.first == status.first } == true
        let details = [bounce.detail, detail].compactMap(\.self).joined(separator: "; ")
        return Bounce(kind: .failed, status: isMore ? said.status : status, detail: details)
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
        let field = MIMEPart.value("status", fields) ?? ""
        let status = Self.status(StatusCode.enhanced(in: field), diagnostic)
        let detail = diagnostic.isEmpty ? Self.comment(field, status) : diagnostic
        switch Action(MIMEPart.value("action", fields)) {
        case .failed: return Bounce(kind: .failed, status: status ?? "5.0.0", detail: detail)
        case .delayed: return Bounce(kind: .delayed, status: status, detail: detail)
        case .reached: return nil
        case .unsaid:
            return status.map { Bounce(kind: $0.hasPrefix("5") ? .failed : .delayed, status: $0, detail: detail) }
        }
    }

    /// `5.4.4 (no such domain)`; of mailboxes (x.2.y) it is the code's name in most, and says no more.
    private static func comment(_ field: String, _ status: String?) -> String? {
        guard let start = field.firstIndex(of: "("), status?.dropFirst(1).hasPrefix(".2.") != true else { return nil }
        return String(field[start...])
    }

    /// Some programs know more than their status says; but no bare reply code makes a delay a failure.
    private static func status(_ said: String?, _ diagnostic: String) -> String? {
        guard let said else { return StatusCode.find(in: diagnostic) }
        if !StatusCode.isGeneral(said) {
            let reason = StatusCode.isVague(said) ? StatusCode.specific(in: diagnostic) : nil
            return reason?.first == said.first ? reason : said
        }
        guard let found = StatusCode.specific(in: diagnostic) ?? StatusCode.find(in: diagnostic) else { return said }
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
}
