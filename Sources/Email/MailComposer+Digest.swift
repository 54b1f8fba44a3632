package import Bulletins
package import DeliveryEngine
import Foundation
import Markup
import Mustache
package import NIOCore
import Storage

/// Digests: one mail of all that came to an endpoint in a window, by region and field.
extension MailComposer {
    /// Whether a digest shows the beginning of the body of this bulletin.
    package static func takesLead(_ bulletin: Bulletin) -> Bool {
        bulletin.note == nil && bulletin.summary == nil && bulletin.body != nil
    }

    /// The beginning of a bulletin's body, as digests have it.
    package static func lead(of bulletin: Bulletin) -> String {
        bulletin.body.map { beginning(CommonMark.plainText($0)) } ?? ""
    }

    /// The whole message. `entries` are of one endpoint and window, one at least; `leads` are the beginnings of the bodies
    /// of those bulletins that take one, by their numbers.
    package func digest(_ entries: [DigestEntry], leads: [Int64: String], now: Timestamp) -> ByteBuffer {
        guard let first = entries.first?.delivery else { return ByteBuffer() }
        let words = BulletinWords(language: first.terms.language)
        let zone = first.digestAt.map { DigestWindow.zone(ofEnd: $0) } ?? .wib
        let isDaily = entries.contains { $0.delivery.terms.frequency == .daily }
        let title = words.digest(isDaily: isDaily)
        let day = words.date((first.digestAt ?? now).day(zoneOffset: zone.offset))
        let leave = "\(settings.publicURL)/unsubscribe/\(Token.text(first.terms.unsubscribeToken))"
        let context: [String: Any] = [
            "language": words.isEnglish ? "en" : "id", "title": title, "day": day,
            "count": words.bulletins(entries.count), "groups": groups(entries, leads, words, zone), "leave": leave,
            "leaveLabel": words.leaveDigest, "why": words.whyDigest,
        ]
        let list =
            MailHeader.line("List-Id", "<ringkasan.\(settings.domain)>")
            + settings.leave(leave, LeaveToken(first.terms.unsubscribeToken)) + mark(of: first)
            + MailHeader.line("Precedence", "bulk")
            + MailHeader.line("Feedback-ID", "digest:\(isDaily ? "daily" : "weekly"):digest:\(settings.storeID)")
            + MailHeader.line("Content-Language", words.isEnglish ? "en" : "id")
            + MailHeader.line(
                "X-Kentongan-Digest",
                "\(isDaily ? "daily" : "weekly"); until=\((first.digestAt ?? now).text); bulletins=\(entries.count)")
        return whole(
            to: first.address, subject: "\(title), \(day): \(words.bulletins(entries.count))",
            id: digestID(of: entries),
            now, headers: list,
            MailBody(
                text: templates.digestText.render(context), html: templates.digestHTML.render(context)))
    }

    /// A whole message that is made for one recipient.
    func whole(
        to address: String, subject: String, id: String, _ now: Timestamp, headers: String = "", _ body: MailBody
    ) -> ByteBuffer {
        let lines =
            MailHeader.address("From", name: settings.fromName, settings.from)
            + MailHeader.line("To", address)
            + MailHeader.text("Subject", subject)
            + MailHeader.line("Date", now.mailDate)
            + MailHeader.line("Message-ID", "<\(id)>")
            + MailHeader.line("Auto-Submitted", "auto-generated")
            + headers + body.headers + "\r\n"
        var message = ByteBuffer(string: lines)
        body.write(to: &message)
        return message
    }

    /// The Message-ID without its brackets, the same whenever this digest is tried.
    package func digestID(of entries: [DigestEntry]) -> String {
        let first = entries.map(\.delivery.number).min() ?? 0
        return "g\(first).\(settings.storeID)@\(settings.domain)"
    }

    /// By region, then field; in a group the most urgent first, then in the order in which they came.
    private func groups(
        _ entries: [DigestEntry], _ leads: [Int64: String], _ words: BulletinWords, _ zone: TimeZoneID
    ) -> [[String: Any]] {
        let byGroup = Dictionary(grouping: entries) { entry in
            DigestGroup(
                region: entry.content.bulletin.regions.first ?? .country, field: entry.content.bulletin.fields.first)
        }
        return byGroup.sorted { $0.key < $1.key }.map { group, entries in
            let field = group.field.map { registries.fields.name(of: $0, language: words.isEnglish ? "en" : "id") }
            let sorted = entries.sorted {
                ($0.delivery.priority, $0.delivery.bulletin) < ($1.delivery.priority, $1.delivery.bulletin)
            }
            return [
                "region": registries.regions.fullName(of: group.region), "field": field ?? words.allFields,
                "items": sorted.map { item($0, leads, words, zone) },
            ]
        }
    }

    private func item(
        _ entry: DigestEntry, _ leads: [Int64: String], _ words: BulletinWords, _ zone: TimeZoneID
    ) -> [String: Any] {
        let (bulletin, stored) = (entry.content.bulletin, entry.content.stored)
        var marks: [String] = []
        if bulletin.status == .withdrawn { marks.append(words.withdrawn) }
        if bulletin.status != .withdrawn, entry.content.isCorrection { marks.append(words.correction) }
        if bulletin.urgency == .important { marks.append(words.important) }
        if bulletin.kind == .proposal { marks.append(words.proposal) }
        let until = bulletin.expiresAt.map { "\(words.until) \(words.time($0, zone))" }
        return [
            "title": (marks.isEmpty ? "" : "[\(marks.joined(separator: ", "))] ") + bulletin.title,
            "text": bulletin.note ?? bulletin.summary ?? leads[entry.delivery.bulletin] ?? "",
            "meta": [entry.content.publisherName ?? bulletin.id.publisher, until].compactMap(\.self).joined(
                separator: " · "),
            "url": "\(settings.publicURL)/bulletins/\(stored.id.publisher)/\(stored.id.id)",
        ]
    }

    /// So much of a text that it fits a few lines.
    private static func beginning(_ text: String) -> String {
        let line = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        guard line.count > 280 else { return line }
        let cut = line.prefix(280)
        return cut[..<(cut.lastIndex(of: " ") ?? cut.endIndex)] + " …"
    }
}

/// Under what a digest lists a bulletin.
private struct DigestGroup: Hashable, Comparable {
    let region: Region
    let field: Field?

    static func < (a: DigestGroup, b: DigestGroup) -> Bool {
        (a.region.rawValue, a.field?.code ?? "") < (b.region.rawValue, b.field?.code ?? "")
    }
}
