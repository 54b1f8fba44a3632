import Addresses
import Bulletins
import Foundation

/// Texts that people type and other people read. A character that nobody sees is refused by its name.
enum TypedText {
    /// One line that shows something, by the rule of a bulletin's title; spaces at its ends are dropped.
    static func line(_ text: String, _ what: String, limit: Int) throws -> String {
        let trimmed = text.trimmingCharacters(in: CSVTable.blanks)
        if let fault = Grammar.fault(ofLine: trimmed, mayBeBlank: false) { throw RefusedInput("\(what) \(fault)") }
        guard trimmed.unicodeScalars.count <= limit else {
            throw RefusedInput("\(what) is longer than \(limit) characters")
        }
        return trimmed
    }

    /// A reason: one that tells its readers nothing is none.
    static func reason(_ text: String) throws -> String { try line(text, "--why", limit: 500) }

    /// A name that another program knows, such as an AMQP user's: nothing is dropped of it.
    static func name(_ text: String, _ what: String) throws -> String {
        guard try line(text, what, limit: 255) == text else {
            throw RefusedInput("\(what) begins or ends with a space")
        }
        guard text.utf8.count <= 255 else { throw RefusedInput("\(what) is longer than 255 bytes") }
        return text
    }

    /// An email address in its one spelling; spaces at its ends, which come with copying, are dropped.
    static func email(_ text: String) throws -> String {
        let trimmed = text.trimmingCharacters(in: CSVTable.blanks)
        try refuseUnseen(trimmed)
        do throws(AddressFault) {
            return try MailAddress(trimmed).description
        } catch {
            throw RefusedInput("\(trimmed) is no email address: \(error)")
        }
    }

    /// A code, which a look-up would miss; spaces at its ends are dropped.
    static func code(_ text: String) throws -> String {
        let trimmed = text.trimmingCharacters(in: CSVTable.blanks)
        try refuseUnseen(trimmed)
        return trimmed
    }

    /// Names the first character of an address or URL that nobody sees.
    static func refuseUnseen(_ text: String) throws {
        guard let unseen = text.unicodeScalars.first(where: { HiddenCharacters.isInvisible($0) && $0 != " " }) else {
            return
        }
        throw RefusedInput("\(text) holds the character \(HiddenCharacters.name(unseen)), which nobody sees")
    }
}
