import Foundation
import Storage

/// The statement of a human-readable bounce about one recipient, in paragraphs: servers break the receiver's reply
/// into lines.
struct PlainStatement {
    let text: String
    private let paragraphs: [[String]]

    /// Selects the statement. With `address`, it consists of the sections that begin with this address, in a text
    /// where other sections begin with other addresses; nil if there are none. Without `address`, it is the whole
    /// text.
    init?(_ report: String, about address: String?) {
        var lines = report.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map {
            MailHeader.oneLine($0.trimmingCharacters(in: .whitespaces))
        }
        if let address {
            lines = Self.sections(of: address.lowercased(), in: lines)
            guard !lines.isEmpty else { return nil }
        }
        // The sending server's own commands.
        lines.removeAll { $0.hasPrefix(">>>") }
        text = lines.joined(separator: "\n")
        paragraphs = lines.split(separator: "").map(Array.init)
    }

    var status: String? { StatusCode.find(in: text) }

    /// The first line that clearly says that the mailbox does not exist, is disabled or is full.
    var mailboxLine: String? {
        paragraphs.joined().first(where: Self.isCertainAboutMailbox)
            ?? paragraphs.lazy.map { $0.joined(separator: " ") }.first(where: Self.isCertainAboutMailbox)
    }

    /// Whether a line is certain about the mailbox. Some servers list everything that may have happened.
    private static func isCertainAboutMailbox(_ line: String) -> Bool {
        let words = line.lowercased()
        return MailVerdict.saysOfMailbox(line) && !hedges.contains { words.contains($0) }
    }

    private static func explains(_ text: String) -> Bool {
        MailVerdict.saysWhy(text) && (isCertainAboutMailbox(text) || !MailVerdict.saysOfMailbox(text))
    }

    private static let hedges = [
        "may ", "might ", "possibl", "perhaps", "could be", "if the ", "if you", "for example", "e.g.", "mungkin",
    ]

    /// The paragraph that contains the status, cut at its start if it is long. If it gives no reason, the next
    /// paragraph that does is added.
    var explanation: String? {
        let status = status
        guard let first = paragraphs.firstIndex(where: { status == nil || Self.states(status, $0) }) else { return nil }
        let paragraph = Self.shortened(paragraphs[first], status)
        if status != nil, MailVerdict.saysWhy(paragraph) { return paragraph }
        let other = paragraphs[first...].lazy.map { Self.shortened($0, nil) }.first(where: Self.explains)
        guard let other else { return status == nil ? nil : paragraph }
        return status == nil ? other : "\(paragraph.prefix(240)) \(other)"
    }

    private static func states(_ status: String?, _ lines: [String]) -> Bool {
        lines.contains { StatusCode.find(in: $0) == status }
    }

    private static let longest = 480

    private static func shortened(_ lines: [String], _ status: String?) -> String {
        let whole = lines.joined(separator: " ")
        guard whole.count > longest, let start = lines.firstIndex(where: { StatusCode.find(in: $0) == status }) else {
            return whole
        }
        return lines[start...].joined(separator: " ")
    }

    /// The lines from one that begins with the address up to one that begins with another address.
    private static func sections(of address: String, in lines: [String]) -> [String] {
        var own: [String] = []
        var isOwn = false
        var others = 0
        for line in lines.prefix(500) {
            if let first = beginning(line) {
                isOwn = first == address
                if !isOwn { others += 1 }
            }
            if isOwn { own.append(line) }
        }
        return others == 0 ? [] : own
    }

    /// The address at the start of a line, in lower case.
    private static func beginning(_ line: String) -> String? {
        guard let word = line.split(separator: " ", maxSplits: 1).first, word.contains("@") else { return nil }
        let name = word.trimmingCharacters(in: CharacterSet(charactersIn: "<>:;,()\"'"))
        let halves = name.split(separator: "@", omittingEmptySubsequences: false)
        return halves.count == 2 && !halves[0].isEmpty && halves[1].contains(".") ? name.lowercased() : nil
    }
}
