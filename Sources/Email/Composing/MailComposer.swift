package import Bulletins
import Foundation
import Markup
import Mustache
import NIOCore
package import Storage

/// Composes the mails of bulletins (RFC 5322, 2045-2047, 2919, 3834, 8058).
///
/// Everything that all recipients of a bulletin share is rendered and encoded once per language and time zone. Only
/// the headers and a short footer are made per mail.
package struct MailComposer: Sendable {
    let settings: MailSettings
    let registries: Registries
    let templates: MailTemplates

    package init(settings: MailSettings, registries: Registries) throws {
        self.settings = settings
        self.registries = registries
        templates = try MailTemplates()
    }

    /// Renders a bulletin for the recipients of one language and time zone.
    package func prepare(_ content: DeliveryContent, language: String, zone: TimeZoneID) -> PreparedMail {
        let words = BulletinWords(language: language)
        let bulletin = content.bulletin
        let pageURL = "\(settings.publicURL)/bulletins/\(content.stored.id.publisher)/\(content.stored.id.id)"
        let body = bulletin.body.map { CommonMark.plainText($0) } ?? ""
        let shortened = bulletin.urgency == .emergency ? nil : Self.shortened(body)
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

    /// The plain values of the templates.
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

    /// The instruction of an emergency. It comes before everything else, because readers have no time to look for it.
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

    /// The start of a long text, short enough to be passed on in a chat. Nil if the text needs no cut.
    private static func shortened(_ text: String) -> String? {
        guard text.utf8.count > longestText, text.count > longestText else { return nil }
        let cut = text.prefix(longestText)
        let end = cut.lastIndex(where: \.isNewline) ?? cut.lastIndex(of: " ") ?? cut.endIndex
        return cut[..<end].trimmingCharacters(in: .whitespacesAndNewlines) + " …"
    }

    /// In characters.
    private static let longestText = 3000

    /// The line above the title: urgency or correction, kind and publisher.
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
            // A link without a title is its own text. Otherwise the plain text adds the address, which HTML links to.
            let address = fact.url.flatMap { $0 == fact.value ? nil : ": \($0)" } ?? ""
            return ["label": fact.label, "value": fact.value, "address": address, "url": fact.url ?? ""].filter {
                !$0.value.isEmpty
            }
        }
    }

    /// The headers that all mails of the bulletin share.
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

    /// The subject. `DARURAT`, `Ralat` and the like come first, unless the title already says so.
    private func subject(_ content: DeliveryContent, _ words: BulletinWords) -> String {
        let bulletin = content.bulletin
        let title = bulletin.title.uppercased()
        let notice =
            bulletin.status == .withdrawn ? words.withdrawn : content.isCorrection ? words.correction : nil
        let prefix = notice.flatMap { title.hasPrefix($0.uppercased()) ? nil : "\($0): " } ?? ""
        return (bulletin.urgency == .emergency ? "[\(words.emergency)] " : "") + prefix + bulletin.title
    }
}

/// The shared part of all mails of a bulletin.
package struct PreparedMail: Sendable {
    let headers: ByteBuffer
    let body: MailBody
    let words: BulletinWords
    let pageURL: String
    /// The earlier bulletins of the thread, oldest first: those that this one corrects, or the proposal that it
    /// answers.
    let thread: [Int64]

    /// The approximate memory in bytes.
    var size: Int { headers.readableBytes + body.encodedCount + 512 }
}
