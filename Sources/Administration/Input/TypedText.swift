import Addresses
package import Bulletins
import Foundation

/// Texts that people type and other people read. A character that nobody sees is refused by its name.
package enum TypedText {
    /// The characters that are trimmed from both ends of typed text. Foundation's whitespace holds characters without
    /// width, which an error has to name instead.
    static let blanks = CharacterSet(charactersIn: " \t\u{A0}")

    /// One line, by the rule of a bulletin's title. `label` names the text in errors.
    package static func line(_ text: String, _ label: String, limit: Int) throws(OperationError) -> String {
        let trimmed = text.trimmingCharacters(in: blanks)
        if let fault = Grammar.fault(ofLine: trimmed, mayBeBlank: false) { throw .invalid("\(label) \(fault)") }
        guard trimmed.unicodeScalars.count <= limit else {
            throw .invalid("\(label) is longer than \(limit) characters")
        }
        return trimmed
    }

    /// The reason for a decision, of at most 500 characters.
    package static func reason(_ text: String) throws(OperationError) -> String {
        try line(text, "--why", limit: 500)
    }

    /// A name that another program knows, such as an AMQP user's: it is kept as it is.
    package static func name(_ text: String, _ label: String) throws(OperationError) -> String {
        guard try line(text, label, limit: 255) == text else { throw .invalid("\(label) begins or ends with a space") }
        guard text.utf8.count <= 255 else { throw .invalid("\(label) is longer than 255 bytes") }
        return text
    }

    /// An email address in its one spelling. Spaces at its ends, which come with copying, are dropped.
    package static func email(_ text: String) throws(OperationError) -> String {
        let trimmed = text.trimmingCharacters(in: blanks)
        try refuseUnseen(trimmed)
        do throws(AddressFault) {
            return try MailAddress(trimmed).description
        } catch {
            throw .invalid("\(trimmed) is no email address: \(error)")
        }
    }

    /// A code to be looked up. Spaces at its ends are dropped.
    static func code(_ text: String) throws(OperationError) -> String {
        let trimmed = text.trimmingCharacters(in: blanks)
        try refuseUnseen(trimmed)
        return trimmed
    }

    package static func time(_ text: String) throws(OperationError) -> Timestamp {
        guard let time = Timestamp(text) else {
            throw .invalid("\(text) is no time; write it like 2026-12-01T08:00:00+07:00")
        }
        return time
    }

    /// Names the first character of an address or URL that nobody sees.
    static func refuseUnseen(_ text: String) throws(OperationError) {
        guard let unseen = text.unicodeScalars.first(where: { HiddenCharacters.isInvisible($0) && $0 != " " }) else {
            return
        }
        throw .invalid("\(text) holds the character \(HiddenCharacters.name(unseen)), which nobody sees")
    }
}

extension BulletinID {
    /// `PUBLISHER/ID` as people type it.
    package init(typed text: String) throws(OperationError) {
        guard let id = BulletinID(text) else { throw .invalid("\(text) is not PUBLISHER/ID") }
        self = id
    }
}
