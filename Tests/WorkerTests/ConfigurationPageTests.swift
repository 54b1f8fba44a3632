import Foundation
import Golden
import Testing

@testable import Worker

/// The two pages that are generated from the keys: the reference and the commented file.
struct ConfigurationPageTests {
    @Test func theReferenceListsEveryKey() throws {
        try Golden.expect(
            SettingKey.modules.map(\.table).joined(separator: "\n"), part: "keys", of: "docs/configuration.md")
    }

    @Test func theCommentedFileListsEveryKey() throws {
        try Golden.expect(CommentedFile().text, at: "config/kentongan.yaml")
    }

    @Test func everyKeyIsDeclaredOnceAndExplained() {
        #expect(Set(SettingKey.all.map(\.name)).count == SettingKey.all.count)
        for key in SettingKey.all { #expect(key.purpose.hasSuffix("."), "\(key.name)") }
    }
}

/// The keys of one section of the file.
private struct Section {
    let name: String
    let keys: [SettingKey]

    var table: String {
        let rows = keys.map { "| `\($0.name)` | \($0.shownDefault) | \($0.values) | \($0.purpose) |\n" }
        return "### \(name)\n\n| key | default | values | purpose |\n| --- | --- | --- | --- |\n" + rows.joined()
    }
}

extension SettingKey {
    /// The sections, in the order of their first keys.
    fileprivate static var modules: [Section] {
        var sections: [Section] = []
        for key in all {
            let name = String(key.name.prefix { $0 != "." })
            if let index = sections.firstIndex(where: { $0.name == name }) {
                sections[index] = Section(name: name, keys: sections[index].keys + [key])
            } else {
                sections.append(Section(name: name, keys: [key]))
            }
        }
        return sections
    }

    fileprivate var shownDefault: String {
        switch form {
        case .text(let usual, _): usual.isEmpty ? "none" : "`\(usual)`"
        case .secret, .secretURL: "none"
        case .list(let usual, _): usual.isEmpty ? "none" : usual.map { "`\($0)`" }.joined(separator: ", ")
        case .integer(let usual, _, _): "\(usual)"
        case .flag(let usual): "`\(usual)`"
        case .choice(let words): "`\(words[0])`"
        }
    }

    fileprivate var values: String {
        switch form {
        case .text(_, let form), .secret(let form), .secretURL(let form, _), .list(_, let form): form
        case .integer(_, let range, let unit): "\(range.lowerBound.grouped) to \(range.upperBound.grouped) \(unit)"
        case .flag: "`true`, `false`"
        case .choice(let words): words.map { "`\($0)`" }.joined(separator: ", ")
        }
    }

    /// The purpose and the values, as a comment in the file.
    fileprivate var comment: String {
        let purpose = purpose.replacing("`", with: "")
        if case .flag = form { return purpose }
        return "\(purpose) Values: \(values.replacing("`", with: ""))."
    }

    /// The default, as YAML writes it.
    fileprivate var yaml: String {
        func plain(_ text: String) -> String {
            let isPlain = !text.isEmpty && !text.hasPrefix(":") && !text.contains(": ")
            return isPlain ? text : "\"\(text)\""
        }
        switch form {
        case .text(let usual, _): return plain(usual)
        case .secret, .secretURL: return "\"\""
        case .list(let usual, _): return "[" + usual.map(plain).joined(separator: ", ") + "]"
        case .integer(let usual, _, _): return "\(usual)"
        case .flag(let usual): return "\(usual)"
        case .choice(let words): return words[0]
        }
    }
}

/// `config/kentongan.yaml`: every key with its default, below its purpose.
private struct CommentedFile {
    private let width = 110

    var text: String {
        var lines = [
            "# Every key with its default. The environment overrides each of them: amqp.url is KENTONGAN_AMQP_URL,",
            "# http.publicURL is KENTONGAN_HTTP_PUBLIC_URL; lists are comma-separated there. A file may hold a secret:",
        ]
        let files = SettingKey.all.filter(\.isSecret).map { $0.variable + "_FILE" }.joined(separator: ", ")
        lines += wrapped(files + ".", "")
        for section in SettingKey.modules {
            lines += ["", "\(section.name):"]
            var open: Substring = ""
            for key in section.keys {
                let parts = key.name.split(separator: ".").dropFirst()
                let indent = String(repeating: "  ", count: parts.count)
                if parts.count > 1, let group = parts.first, group != open {
                    open = group
                    lines.append("  \(group):")
                }
                lines += wrapped(key.comment, indent)
                lines.append("\(indent)\(parts.last ?? ""): \(key.yaml)")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func wrapped(_ purpose: String, _ indent: String) -> [String] {
        var lines = [""]
        for word in purpose.split(separator: " ") {
            let last = lines[lines.count - 1]
            if last.isEmpty {
                lines[lines.count - 1] = String(word)
            } else if indent.count + last.count + word.count + 3 > width {
                lines.append(String(word))
            } else {
                lines[lines.count - 1] = last + " " + word
            }
        }
        return lines.map { "\(indent)# \($0)" }
    }
}

extension Int {
    fileprivate var grouped: String {
        var digits = "\(self)"
        var index = digits.count - 3
        while index > 0 {
            digits.insert(",", at: digits.index(digits.startIndex, offsetBy: index))
            index -= 3
        }
        return digits
    }
}
