import Foundation
import Storage

/// What a text for people says of one recipient, in paragraphs: servers break what a receiver said into lines.
struct PlainStatement {
    let text: String
    private let paragraphs: [[String]]

    /// `address` picks the sections that begin with it, where others begin with other addresses; nil if there are none.
    /// Without it, of the whole text.
    init?(_ said: String, about address: String?) {
        var lines = said.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map {
            MailHeader.oneLine($0.trimmingCharacters(in: .whitespaces))
        }
        if let address {
            lines = Self.sections(of: address.lowercased(), in: lines)
            guard !lines.isEmpty else { return nil }
        }
        // What the server itself said to the receiver.
        lines.removeAll { $0.hasPrefix(">>>") }
        text = lines.joined(separator: "\n")
        paragraphs = lines.split(separator: "").map(Array.init)
    }

    var status: String? { StatusCode.find(in: text) }

    /// The first line that says, in words that are known, that the mailbox is not there, turned off or full.
    var lineOfMailbox: String? {
        paragraphs.joined().first(where: Self.isSureOfMailbox)
            ?? paragraphs.lazy.map { $0.joined(separator: " ") }.first(where: Self.isSureOfMailbox)
    }

    /// Some servers write down all that can have happened.
    private static func isSureOfMailbox(_ line: String) -> Bool {
        let words = line.lowercased()
        return MailVerdict.saysOfMailbox(line) && !doubts.contains { words.contains($0) }
    }

    private static func explains(_ text: String) -> Bool {
        MailVerdict.saysWhy(text) && (isSureOfMailbox(text) || !MailVerdict.saysOfMailbox(text))
    }

    private static let doubts = [
        "may ", "might ", "possibl", "perhaps", "could be", "if the ", "if you", "for example", "e.g.", "mungkin",
    ]

    /// The paragraph that the status comes from; a longer one from there on. If it does not say why, the next that does.
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

    /// The lines from one that begins with the address to one that begins with another.
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

    /// The address that a line begins with, in small letters.
    private static func beginning(_ line: String) -> String? {
        guard let word = line.split(separator: " ", maxSplits: 1).first, word.contains("@") else { return nil }
        let name = word.trimmingCharacters(in: CharacterSet(charactersIn: "<>:;,()\"'"))
        let halves = name.split(separator: "@", omittingEmptySubsequences: false)
        return halves.count == 2 && !halves[0].isEmpty && halves[1].contains(".") ? name.lowercased() : nil
    }
}
