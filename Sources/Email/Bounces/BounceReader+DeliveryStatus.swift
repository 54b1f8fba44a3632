import Addresses
import Foundation
import Storage

/// Delivery status notifications (RFC 3464).
extension BounceReader {
    /// Picks the bounce of the mail's own recipient. If the report names only other recipients, the address is an
    /// alias for them. It then counts as gone only if all of them are, because any recipient that is missing from the
    /// report has received the mail.
    func deliveryStatus(
        _ recipients: [[(name: String, value: String)]], _ address: String, _ plain: PlainBounce
    ) -> Bounce? {
        let mailbox = Self.mailbox(address)
        let own = recipients.filter { fields in
            fields.contains { $0.name.hasSuffix("-recipient") && Self.mailbox($0.value) == mailbox }
        }
        let explanation = (own.isEmpty ? recipients : own).count == 1 ? plain.bounce(of: address) : nil
        let bounces = (own.isEmpty ? recipients : own).map { explained(bounce($0), by: explanation) }
        let failures = bounces.compactMap(\.self).filter { $0.kind == .failed }
        if own.isEmpty, let alive = bounces.first(where: { $0?.suppresses != true }) {
            return failures.first { !$0.suppresses } ?? alive ?? nil
        }
        return failures.first { $0.suppresses } ?? failures.first ?? bounces.compactMap(\.self).first
    }

    /// Explains a failure with the report's human-readable part if its fields do not give the reason.
    private func explained(_ bounce: Bounce?, by plain: Bounce?) -> Bounce? {
        guard let bounce, bounce.kind == .failed, let status = bounce.status, StatusCode.isVague(status),
            !MailVerdict.saysWhy(bounce.detail ?? ""), let plain, let detail = plain.detail
        else { return bounce }
        let isMore = plain.status.map { !StatusCode.isVague($0) && $0.first == status.first } == true
        let details = [bounce.detail, detail].compactMap(\.self).joined(separator: "; ")
        return Bounce(kind: .failed, status: isMore ? plain.status : status, detail: details)
    }

    /// Normalizes the address in a field such as `rfc822; Budi@Desa.Example`.
    private static func mailbox(_ field: String) -> String {
        let mailbox = field.split(separator: ";").last.map(String.init) ?? field
        let address = mailbox.trimmingCharacters(in: CharacterSet(charactersIn: " \t<>"))
        return MailAddress.folded((try? MailAddress(address, scope: .anyHost))?.description ?? address)
    }

    func recipients(_ report: String) -> [[(name: String, value: String)]] {
        fields(report).filter { fields in
            fields.contains { ["final-recipient", "original-recipient", "action", "status"].contains($0.name) }
        }
    }

    /// The action of a recipient's fields, in the words of RFC 3464 section 2.3.3, with variants and comments.
    private enum Action {
        case failed, delayed, reached, unspecified

        init(_ value: String?) {
            let word = (value ?? "").lowercased().drop { !$0.isLetter }
            self =
                if word.hasPrefix("fail") || word.hasPrefix("expire") {
                    .failed
                } else if word.hasPrefix("delay") {
                    .delayed
                } else if ["deliver", "relay", "expan", "success"].contains(where: word.hasPrefix) {
                    .reached
                } else {
                    .unspecified
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
        case .unspecified:
            return status.map { Bounce(kind: $0.hasPrefix("5") ? .failed : .delayed, status: $0, detail: detail) }
        }
    }

    /// The comment of a status such as `5.4.4 (no such domain)`. For mailboxes (x.2.y), most comments only repeat the
    /// name of the code.
    private static func comment(_ field: String, _ status: String?) -> String? {
        guard let start = field.firstIndex(of: "("), status?.dropFirst(1).hasPrefix(".2.") != true else { return nil }
        return String(field[start...])
    }

    /// Chooses between the status and the diagnostic code, which is often more specific. A bare reply code never
    /// turns a delay into a failure.
    private static func status(_ stated: String?, _ diagnostic: String) -> String? {
        guard let stated else { return StatusCode.find(in: diagnostic) }
        if !StatusCode.isGeneral(stated) {
            let reason = StatusCode.isVague(stated) ? StatusCode.specific(in: diagnostic) : nil
            return reason?.first == stated.first ? reason : stated
        }
        guard let found = StatusCode.specific(in: diagnostic) ?? StatusCode.find(in: diagnostic) else { return stated }
        return found.first == stated.first || StatusCode.enhanced(in: diagnostic) != nil ? found : stated
    }

    /// Splits a delivery status into its groups of fields, which are separated by empty lines.
    func fields(_ report: String) -> [[(name: String, value: String)]] {
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
