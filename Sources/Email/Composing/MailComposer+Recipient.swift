package import Bulletins
import Foundation
import Markup
package import NIOCore
package import Storage

/// The parts of a bulletin's mail that differ per recipient: addresses, ids, threading and the footer.
extension MailComposer {
    /// Composes the whole message with CRLF line ends, not dot-stuffed.
    package func message(_ prepared: PreparedMail, for delivery: ClaimedDelivery, now: Timestamp) -> ByteBuffer {
        let link =
            "\(settings.publicURL)/unsubscribe/\(Token.text(delivery.terms.unsubscribeToken))?b=\(delivery.bulletin)"
        var message = ByteBufferAllocator().buffer(
            capacity: prepared.headers.readableBytes + prepared.body.encodedCount + 3000)
        message.writeImmutableBuffer(prepared.headers)
        message.writeString(recipientHeaders(delivery, thread: prepared.thread, link: link, now: now))
        let region = registries.regions.fullName(of: delivery.terms.region)
        let why = prepared.words.why(region: region, field: fieldName(delivery.terms.field, prepared.words))
        prepared.body.write(
            to: &message,
            text: "\n\(why)\n\(prepared.words.read): \(prepared.pageURL)\n\(prepared.words.unsubscribe): \(link)\n",
            html: """
                <footer><p>\(Escaping.markup(why))</p><p><a href="\(Escaping.markup(prepared.pageURL))">\(prepared.words.readOnSite)</a></p>\
                <p><a href="\(Escaping.markup(link))">\(prepared.words.unsubscribe)</a></p></footer></body></html>

                """)
        return message
    }

    private func recipientHeaders(
        _ delivery: ClaimedDelivery, thread: [Int64], link: String, now: Timestamp
    ) -> String {
        let field = delivery.terms.field == .any ? "semua" : delivery.terms.field.description
        let list = "\(field).\(delivery.terms.region.code).\(settings.domain)"
        return MailHeader.line("To", delivery.address)
            + MailHeader.line("Date", now.mailDate)
            + MailHeader.line("Message-ID", "<\(messageID(of: delivery.bulletin, to: delivery.endpoint))>")
            + references(thread, to: delivery.endpoint)
            + MailHeader.line("List-Id", "<\(list)>")
            + settings.unsubscribeHeaders(
                link, UnsubscribeToken(delivery.terms.unsubscribeToken, bulletin: delivery.bulletin))
            + tag(of: delivery)
            + "\r\n"
    }

    /// Threads a correction under the bulletin that it corrects, and an answer under its proposal (RFC 5322 section
    /// 3.6.4). A recipient who missed the earlier mails still sees the later ones together.
    private func references(_ thread: [Int64], to endpoint: Int64) -> String {
        guard let last = thread.last else { return "" }
        let all = thread.map { "<\(messageID(of: $0, to: endpoint))>" }.joined(separator: "\r\n ")
        return MailHeader.line("In-Reply-To", "<\(messageID(of: last, to: endpoint))>") + "References: \(all)\r\n"
    }

    package func returnPath(of delivery: ClaimedDelivery) -> String {
        settings.variesReturnPaths ? settings.returnPaths.address(of: delivery.number) : settings.from
    }

    /// The header that identifies the delivery if the return path does not. Reports return it with the mail.
    func tag(of delivery: ClaimedDelivery) -> String {
        settings.variesReturnPaths
            ? "" : MailHeader.line("X-Kentongan-Delivery", settings.returnPaths.tag(of: delivery.number))
    }

    /// The envelope id (ENVID, RFC 3461 section 4.4) that reports return: the Message-ID, or the delivery's tag if
    /// the return path does not identify the delivery.
    package func envelopeID(of delivery: ClaimedDelivery, _ messageID: String) -> String {
        settings.variesReturnPaths ? messageID : settings.returnPaths.tag(of: delivery.number)
    }

    /// The Message-ID without angle brackets. It is the same on every attempt, and later mails can compute it from
    /// the bulletin and the endpoint.
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
