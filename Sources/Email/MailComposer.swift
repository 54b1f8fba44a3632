package import Bulletins
import Foundation
import Markup
import Mustache
package import NIOCore
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
        let pageURL = "\(settings.publicURL)/bulletins/\(content.stored.id.publisher)/\(content.stored.id.id)"
        let body = bulletin.body.map { CommonMark.plainText($0) } ?? ""
        let shortened = bulletin.urgency == .emergency ? nil : Self.beginning(body)
        var context: [String: Any] = texts(of: content, words)
        context["facts"] = facts(bulletin, words, zone)
        context["bodyText"] = shortened ?? body
        context["more"] = shortened == nil ? nil : "\(words.shortened): \(pageURL)"
        context["preview"] = bulletin.note ?? bulletin.summary ?? String(body.prefix(160))
        context = context.filter { ($0.value as? String) != "" }
        let mail = MailBody(
            text: templates.text.render(context), html: templates.html.render(context),
            calendar: calendar(content, pageURL))
        return PreparedMail(
            headers: ByteBuffer(string: headers(content, words) + mail.headers), body: mail, words: words,
            pageURL: pageURL, thread: content.thread)
    }

    /// What stands in a template by itself.
    private func texts(of content: DeliveryContent, _ words: BulletinWords) -> [String: String] {
        let bulletin = content.bulletin
        return [
            "language": words.isEnglish ? "en" : "id", "bulletinLanguage": bulletin.language,
            "kicker": kicker(content, words), "title": bulletin.title, "urgency": bulletin.urgency.rawValue,
            "instruction": Self.urgentInstruction(bulletin) ?? "", "instructionLabel": words.instruction,
            "summary": bulletin.summary ?? "", "note": bulletin.note ?? "", "noteLabel": words.note,
            "bodyHTML": bulletin.body.map { CommonMark.html($0) } ?? "",
        ]
    }

    /// What to do stands before everything else where there is no time to look for it.
    private static func urgentInstruction(_ bulletin: Bulletin) -> String? {
        bulletin.urgency == .emergency ? bulletin.alert?.instruction : nil
    }

    private func calendar(_ content: DeliveryContent, _ url: String) -> String? {
        ICalendar.calendar(
            of: content.bulletin,
            ICalendar.Edition(
                revision: content.stored.revision, changed: content.stored.receivedAt,
                created: content.stored.firstReceivedAt, url: url))
    }

    /// So much of a text that people still pass it on in a chat; nil if that is all of it.
    private static func beginning(_ text: String) -> String? {
        guard text.utf8.count > longestText, text.count > longestText else { return nil }
        let cut = text.prefix(longestText)
        let end = cut.lastIndex(where: \.isNewline) ?? cut.lastIndex(of: " ") ?? cut.endIndex
        return cut[..<end].trimmingCharacters(in: .whitespacesAndNewlines) + " …"
    }

    /// In characters.
    private static let longestText = 3000

    private func kicker(_ content: DeliveryContent, _ words: BulletinWords) -> String {
        let bulletin = content.bulletin
        var parts = [
            bulletin.kind == .proposal ? words.proposal : words.announcement,
            content.publisherName ?? bulletin.id.publisher,
        ]
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
        let isAbove = Self.urgentInstruction(bulletin) != nil
        let facts = BulletinFacts.facts(bulletin, words, zone: zone, registries: registries)
        return facts.filter { !isAbove || $0.label != words.instruction }.map { fact in
            // A link is its own text; `address` is what the text has and HTML links to.
            let address = fact.url.flatMap { $0 == fact.value ? nil : ": \($0)" } ?? ""
            return ["label": fact.label, "value": fact.value, "address": address, "url": fact.url ?? ""].filter {
                !$0.value.isEmpty
            }
        }
    }

    private func headers(_ content: DeliveryContent, _ words: BulletinWords) -> String {
        let bulletin = content.bulletin
        let sender = settings.namesPublishers ? content.publisherName : nil
        return MailHeader.address("From", name: sender ?? settings.fromName, settings.from)
            + MailHeader.text("Subject", subject(content, words))
            + MailHeader.line("Auto-Submitted", "auto-generated")
            + MailHeader.line("Precedence", "bulk")
            + MailHeader.line("X-Kentongan-Bulletin", "\(bulletin.id);", "revision=\(bulletin.revision)")
            + MailHeader.line(
                "Feedback-ID",
                "b\(content.stored.number):\(bulletin.id.publisher):\(bulletin.kind.rawValue):\(settings.storeID)")
            + MailHeader.line("Content-Language", MailHeader.oneLine(bulletin.language))
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
    package func message(_ prepared: PreparedMail, for delivery: ClaimedDelivery, now: Timestamp) -> ByteBuffer {
        let leave =
            "\(settings.publicURL)/unsubscribe/\(Token.text(delivery.terms.unsubscribeToken))?b=\(delivery.bulletin)"
        var message = ByteBufferAllocator().buffer(
            capacity: prepared.headers.readableBytes + prepared.body.encodedCount + 3000)
        message.writeImmutableBuffer(prepared.headers)
        message.writeString(recipientHeaders(delivery, prepared.thread, leave, now))
        let region = registries.regions.fullName(of: delivery.terms.region)
        let why = prepared.words.why(region: region, field: fieldName(delivery.terms.field, prepared.words))
        prepared.body.write(
            to: &message,
            text: "\n\(why)\n\(prepared.words.read): \(prepared.pageURL)\n\(prepared.words.leave): \(leave)\n",
            html: """
                <footer><p>\(Escaping.markup(why))</p><p><a href="\(Escaping.markup(prepared.pageURL))">\(prepared.words.readOnSite)</a></p>\
                <p><a href="\(Escaping.markup(leave))">\(prepared.words.leave)</a></p></footer></body></html>

                """)
        return message
    }

    private func recipientHeaders(
        _ delivery: ClaimedDelivery, _ thread: [Int64], _ leave: String, _ now: Timestamp
    ) -> String {
        let field = delivery.terms.field == .any ? "semua" : delivery.terms.field.description
        let list = "\(field).\(delivery.terms.region.code).\(settings.domain)"
        return MailHeader.line("To", delivery.address)
            + MailHeader.line("Date", now.mailDate)
            + MailHeader.line("Message-ID", "<\(messageID(of: delivery.bulletin, to: delivery.endpoint))>")
            + references(thread, to: delivery.endpoint)
            + MailHeader.line("List-Id", "<\(list)>")
            + settings.leave(leave, LeaveToken(delivery.terms.unsubscribeToken, bulletin: delivery.bulletin))
            + mark(of: delivery)
            + "\r\n"
    }

    /// So that mail programs show a correction below what it corrects, and an answer below its proposal (RFC 5322 section
    /// 3.6.4). Whoever did not get the earlier mails still sees the later ones together.
    private func references(_ thread: [Int64], to endpoint: Int64) -> String {
        guard let last = thread.last else { return "" }
        let all = thread.map { "<\(messageID(of: $0, to: endpoint))>" }.joined(separator: "\r\n ")
        return MailHeader.line("In-Reply-To", "<\(messageID(of: last, to: endpoint))>") + "References: \(all)\r\n"
    }

    package func returnPath(of delivery: ClaimedDelivery) -> String {
        settings.variesReturnPaths ? settings.returnPaths.address(of: delivery.number) : settings.from
    }

    /// Where return paths do not name the delivery, reports do that by the header of the mail that came back.
    func mark(of delivery: ClaimedDelivery) -> String {
        settings.variesReturnPaths
            ? "" : MailHeader.line("X-Kentongan-Delivery", settings.returnPaths.mark(of: delivery.number))
    }

    /// What comes back in reports of failures beside the header (ENVID, RFC 3461 section 4.4), for a mail of that
    /// Message-ID: the delivery, where the return path does not name it.
    package func envelopeID(of delivery: ClaimedDelivery, _ messageID: String) -> String {
        settings.variesReturnPaths ? messageID : settings.returnPaths.mark(of: delivery.number)
    }

    /// Without its brackets. The same on every attempt, and known to whoever knows the bulletin and the endpoint.
    package func messageID(of bulletin: Int64, to endpoint: Int64) -> String {
        "b\(bulletin).e\(endpoint).\(settings.storeID)@\(settings.domain)"
    }

    private func fieldName(_ filter: FieldFilter, _ words: BulletinWords) -> String {
        switch filter {
        case .any: words.allFields
        case .field(let field): registries.fields.name(of: field, language: words.isEnglish ? "en" : "id")
        }
    }
}
