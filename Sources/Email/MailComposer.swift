package import Bulletins
import Foundation
import Markup
import Mustache
package import Storage

/// Makes mails of bulletins (RFC 5322, 2045-2047, 2919, 3834, 8058).
///
/// What is the same for all recipients of a bulletin is rendered and encoded once; of each mail only its
/// headers and a short end are made. Bodies are base64, so that no line of a bulletin can mean anything
/// to SMTP.
package struct MailComposer: Sendable {
    let settings: MailSettings
    let registries: Registries
    let templates: MailTemplates

    package init(settings: MailSettings, registries: Registries) throws {
        self.settings = settings
        self.registries = registries
        templates = try MailTemplates()
    }

    // MARK: - Once a bulletin

    /// For recipients of one language, in one time zone.
    package func prepare(_ content: DeliveryContent, language: String, zone: TimeZoneID) -> PreparedMail {
        let words = BulletinWords(language: language)
        let bulletin = content.bulletin
        let context: [String: Any] = [
            "language": words.isEnglish ? "en" : "id", "kicker": kicker(content, words), "title": bulletin.title,
            "urgency": bulletin.urgency.rawValue, "summary": bulletin.summary ?? "", "note": bulletin.note ?? "",
            "noteLabel": words.note, "bodyText": bulletin.body.map { CommonMark.plainText($0) } ?? "",
            "bodyHTML": bulletin.body.map { CommonMark.html($0) } ?? "", "facts": facts(bulletin, words, zone),
        ].filter { ($0.value as? String) != "" }
        return PreparedMail(
            headers: headers(content, words),
            body: AlternativeBody(text: templates.text.render(context), html: templates.html.render(context)),
            words: words,
            pageURL: "\(settings.publicURL)/bulletins/\(content.stored.id.publisher)/\(content.stored.id.id)")
    }

    private func kicker(_ content: DeliveryContent, _ words: BulletinWords) -> String {
        let bulletin = content.bulletin
        var parts = [bulletin.kind == .proposal ? words.proposal : words.announcement, bulletin.id.publisher]
        if bulletin.urgency == .emergency { parts.insert(words.emergency, at: 0) }
        if bulletin.urgency == .important { parts.insert(words.important, at: 0) }
        if bulletin.status == .withdrawn {
            parts.insert(words.withdrawn, at: 0)
        } else if content.isCorrection {
            parts.insert(words.correction, at: 0)
        }
        return parts.joined(separator: " · ")
    }

    private func facts(_ bulletin: Bulletin, _ words: BulletinWords, _ zone: TimeZoneID) -> [[String: String]] {
        BulletinFacts.facts(bulletin, words, zone: zone, registries: registries).map { fact in
            // A link is its own text.
            let address = fact.url.flatMap { $0 == fact.value ? nil : ": \($0)" } ?? ""
            return ["label": fact.label, "value": fact.value + address]
        }
    }

    private func headers(_ content: DeliveryContent, _ words: BulletinWords) -> String {
        let bulletin = content.bulletin
        return MailHeader.address("From", name: settings.fromName, settings.from)
            + MailHeader.text("Subject", subject(content, words))
            + MailHeader.line("Auto-Submitted", "auto-generated")
            + MailHeader.line("Precedence", "bulk")
            + MailHeader.line("X-Kentongan-Bulletin", "\(bulletin.id); revision=\(bulletin.revision)")
            + MailHeader.line("Content-Language", MailHeader.oneLine(bulletin.language))
            + AlternativeBody.headers
    }

    private func subject(_ content: DeliveryContent, _ words: BulletinWords) -> String {
        let bulletin = content.bulletin
        let title = bulletin.title.uppercased()
        let mark =
            bulletin.status == .withdrawn ? words.withdrawn : content.isCorrection ? words.correction : nil
        let prefix = mark.flatMap { title.hasPrefix($0.uppercased()) ? nil : "\($0): " } ?? ""
        return (bulletin.urgency == .emergency ? "[\(words.emergency)] " : "") + prefix + bulletin.title
    }

    // MARK: - Once a recipient

    /// The whole message with CRLF line ends, not yet dot-stuffed.
    package func message(_ prepared: PreparedMail, for delivery: ClaimedDelivery, now: Timestamp) -> [UInt8] {
        let leave = "\(settings.publicURL)/unsubscribe/\(Token.text(delivery.unsubscribeToken))"
        var message = Array(prepared.headers.utf8)
        message.reserveCapacity(message.count + prepared.body.encodedCount + 3000)
        message += Array(recipientHeaders(delivery, leave, now).utf8)
        let region = registries.regions.fullName(of: delivery.region)
        let why = prepared.words.why(region: region, field: fieldName(delivery.field, prepared.words))
        prepared.body.append(
            to: &message,
            text: "\n\(why)\n\(prepared.words.read): \(prepared.pageURL)\n\(prepared.words.leave): \(leave)\n",
            html: """
                <footer><p>\(Escaping.markup(why))</p><p><a href="\(Escaping.markup(prepared.pageURL))">\(prepared.words.read)</a> · \
                <a href="\(Escaping.markup(leave))">\(prepared.words.leave)</a></p></footer></body></html>

                """)
        return message
    }

    private func recipientHeaders(_ delivery: ClaimedDelivery, _ leave: String, _ now: Timestamp) -> String {
        let field = delivery.field == .any ? "semua" : delivery.field.description
        let list = "\(field).\(delivery.region.code).\(settings.domain)"
        return MailHeader.line("To", delivery.address)
            + MailHeader.line("Date", now.mailDate)
            + MailHeader.line("Message-ID", messageID(of: delivery))
            + MailHeader.line("List-Id", "<\(list)>")
            + MailHeader.line("List-Unsubscribe", "<\(leave)>")
            + MailHeader.line("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
            + "\r\n"
    }

    package func returnPath(of delivery: ClaimedDelivery) -> String {
        settings.returnPaths.address(of: delivery.number)
    }

    /// The same on every attempt.
    package func messageID(of delivery: ClaimedDelivery) -> String {
        "<d\(delivery.number).\(settings.storeID)@\(settings.domain)>"
    }

    private func fieldName(_ filter: FieldFilter, _ words: BulletinWords) -> String {
        switch filter {
        case .any: words.allFields
        case .field(let field): registries.fields.name(of: field, language: words.isEnglish ? "en" : "id")
        }
    }
}
