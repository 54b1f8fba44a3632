package import Bulletins
import Foundation
import Markup
import Mustache
package import NIOCore
package import Storage

/// Notices to owners of endpoints and to operators.
extension MailComposer {
    /// Composes the whole message.
    package func notice(_ notice: Notice, to address: String, now: Timestamp) -> ByteBuffer {
        let words = NoticeWords(notice)
        let context: [String: Any] = [
            "language": notice.language == "en" ? "en" : "id", "title": words.subject,
            "text": words.paragraphs.joined(separator: "\n\n"), "paragraphs": words.paragraphs,
        ]
        return compose(
            to: address, subject: words.subject, id: noticeID(of: notice), now: now,
            body: MailBody(text: templates.noticeText.render(context), html: templates.noticeHTML.render(context)))
    }

    /// The envelope sender. Bounces of notices come back to the sender's own mailbox.
    package var noticeSender: String { settings.from }

    /// The Message-ID without angle brackets. It is the same on every attempt.
    package func noticeID(of notice: Notice) -> String {
        "n\(notice.number).\(settings.storeID)@\(settings.domain)"
    }
}

/// The text of a notice in Indonesian or English.
private struct NoticeWords {
    let subject: String
    let paragraphs: [String]

    init(_ notice: Notice) {
        func text(_ name: String) -> String {
            switch notice.details[name] {
            case .string(let text): text
            case .array(let texts):
                texts.compactMap { if case .string(let text) = $0 { text } else { nil } }.joined(separator: "; ")
            default: ""
            }
        }
        let isEnglish = notice.language == "en"
        switch notice.kind {
        case .endpointTurnedOff:
            subject = isEnglish ? "An endpoint was turned off" : "Sebuah alamat penerima dimatikan"
            paragraphs =
                isEnglish
                ? [
                    "Nothing more is sent to \(text("address")) (\(text("channel"))).", "Why: \(text("why"))",
                    "Once it works again, have a subscription of it added again; what failed can then be sent anew.",
                ]
                : [
                    "Tidak ada lagi yang dikirim ke \(text("address")) (\(text("channel"))).", "Sebab: \(text("why"))",
                    "Bila sudah berfungsi kembali, mintalah langganannya ditambahkan lagi; yang gagal dapat dikirim ulang.",
                ]
        case .regionReplaced:
            let (old, new) = ("\(text("fromName")) (\(text("from")))", "\(text("toNames")) (\(text("to")))")
            subject = isEnglish ? "Your subscription has a new region" : "Wilayah langganan Anda berubah"
            paragraphs =
                isEnglish
                ? [
                    "The region \(old) was replaced by \(new).",
                    "The subscription of \(text("address")) (field: \(text("field"))) goes on with it; you need not do anything.",
                ]
                : [
                    "Wilayah \(old) telah diganti oleh \(new).",
                    "Langganan \(text("address")) (bidang: \(text("field"))) dilanjutkan dengannya; Anda tidak perlu berbuat apa-apa.",
                ]
        }
    }
}
