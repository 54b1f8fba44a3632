package import Bulletins
package import DeliveryEngine
import Foundation
import Markup
import Mustache
package import NIOCore
import Storage

/// Digests: one mail with all bulletins of an endpoint in a window, by region and field.
extension MailComposer {
    /// Whether a digest shows the first lines of this bulletin's body.
    package static func takesLead(_ bulletin: Bulletin) -> Bool {
        bulletin.note == nil && bulletin.summary == nil && bulletin.body != nil
    }

    /// The first lines of a bulletin's body for a digest.
    package static func lead(of bulletin: Bulletin) -> String {
        bulletin.body.map { shortened(CommonMark.plainText($0)) } ?? ""
    }

    /// Composes the whole message. The entries belong to one endpoint and window, and there is at least one. `leads`
    /// maps bulletin numbers to the first lines of their bodies.
    package func digest(_ entries: [DigestEntry], leads: [Int64: String], now: Timestamp) -> ByteBuffer {
        guard let first = entries.first?.delivery else { return ByteBuffer() }
        let words = BulletinWords(language: first.terms.language)
        let zone = first.digestAt.map { DigestWindow.zone(ofEnd: $0) } ?? .wib
        let isDaily = entries.contains { $0.delivery.terms.frequency == .daily }
        let title = words.digest(isDaily: isDaily)
        let day = words.date((first.digestAt ?? now).day(zoneOffset: zone.offset))
        let link = "\(settings.publicURL)/unsubscribe/\(Token.text(first.terms.unsubscribeToken))"
        let context: [String: Any] = [
            "language": words.isEnglish ? "en" : "id", "title": title, "day": day,
            "count": words.bulletins(entries.count), "groups": groups(entries, leads: leads, words, zone),
            "leave": link,
            "leaveLabel": words.stopDigests, "why": words.whyDigest,
        ]
        let list =
            MailHeader.line("List-Id", "<ringkasan.\(settings.domain)>")
            + settings.unsubscribeHeaders(link, UnsubscribeToken(first.terms.unsubscribeToken)) + tag(of: first)
            + MailHeader.line("Precedence", "bulk")
            + MailHeader.line("Feedback-ID", "digest:\(isDaily ? "daily" : "weekly"):digest:\(settings.storeID)")
            + MailHeader.line("Content-Language", words.isEnglish ? "en" : "id")
            + MailHeader.line(
                "X-Kentongan-Digest",
                "\(isDaily ? "daily" : "weekly"); until=\((first.digestAt ?? now).text); bulletins=\(entries.count)")
        return compose(
            to: first.address, subject: "\(title), \(day): \(words.bulletins(entries.count))",
            id: digestID(of: entries),
            now: now, headers: list,
            body: MailBody(
                text: templates.digestText.render(context), html: templates.digestHTML.render(context)))
    }

    /// Composes a message to one recipient.
    func compose(
        to address: String, subject: String, id: String, now: Timestamp, headers: String = "", body: MailBody
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

    /// The Message-ID without angle brackets. It is the same on every attempt.
    package func digestID(of entries: [DigestEntry]) -> String {
        let first = entries.map(\.delivery.number).min() ?? 0
        return "g\(first).\(settings.storeID)@\(settings.domain)"
    }

    /// Groups the entries by region and field. Within a group, the most urgent come first, then the order of arrival
    /// decides.
    private func groups(
        _ entries: [DigestEntry], leads: [Int64: String], _ words: BulletinWords, _ zone: TimeZoneID
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
                "items": sorted.map { item($0, leads: leads, words, zone) },
            ]
        }
    }

    private func item(
        _ entry: DigestEntry, leads: [Int64: String], _ words: BulletinWords, _ zone: TimeZoneID
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

    /// Shortens a text to a few lines.
    private static func shortened(_ text: String) -> String {
        let line = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        guard line.count > 280 else { return line }
        let cut = line.prefix(280)
        return cut[..<(cut.lastIndex(of: " ") ?? cut.endIndex)] + " …"
    }
}

/// The heading under which a digest lists a bulletin.
private struct DigestGroup: Hashable, Comparable {
    let region: Region
    let field: Field?

    static func < (a: DigestGroup, b: DigestGroup) -> Bool {
        (a.region.rawValue, a.field?.code ?? "") < (b.region.rawValue, b.field?.code ?? "")
    }
}
