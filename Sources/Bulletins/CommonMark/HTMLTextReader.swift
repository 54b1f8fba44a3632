/// A tag, for example `<br/>` or `</p>`.
struct Tag {
    /// The name in lower case; empty for comments, declarations and processing instructions.
    let name: String
    let isEnd: Bool

    init(_ text: some StringProtocol) {
        let inner = text.utf8.dropFirst()
        isEnd = inner.first == UInt8(ascii: "/")
        let name = inner.dropFirst(isEnd ? 1 : 0).prefix { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        self.name = String(decoding: name, as: UTF8.self).lowercased()
    }
}

/// Splits a block of HTML into text and tags, in linear time.
struct HTMLTextReader {
    enum Piece {
        case text(Substring)
        case tag(String)
    }

    private var rest: Substring.UTF8View
    /// The delimiters that do not occur in the rest, so that no search is repeated.
    private var missing: Set<String> = []

    init(_ html: String) { rest = html[...].utf8 }

    mutating func next(_ undisplayed: Set<String>) -> Piece? {
        guard let first = rest.first else { return nil }
        if first == UInt8(ascii: "<"), let tag = takeTag(undisplayed) { return .tag(tag) }
        let end = rest.dropFirst().firstIndex(of: UInt8(ascii: "<")) ?? rest.endIndex
        let text = Substring(rest[..<end])
        rest = rest[end...]
        return .text(text)
    }

    private mutating func takeTag(_ undisplayed: Set<String>) -> String? {
        for (start, end) in [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<!", ">"), ("<?", "?>")]
        where rest.starts(with: start.utf8) {
            guard let after = find(end, from: rest.index(rest.startIndex, offsetBy: start.utf8.count)) else { continue }
            rest = rest[after...]
            return ""
        }
        let tag = Tag(Substring(rest.prefix(64)))
        guard !tag.name.isEmpty, let after = find(">", from: rest.startIndex) else { return nil }
        rest = rest[after...]
        if !tag.isEnd, undisplayed.contains(tag.name), let end = find("</" + tag.name, from: rest.startIndex) {
            rest = rest[end...]
            if let after = find(">", from: rest.startIndex) { rest = rest[after...] }
        }
        return tag.name
    }

    /// The index after the next `end`, ignoring case.
    private mutating func find(_ end: String, from start: Substring.UTF8View.Index) -> Substring.UTF8View.Index? {
        guard !missing.contains(end) else { return nil }
        let wanted = Array(end.utf8)
        var index = start
        while index < rest.endIndex {
            if rest[index...].prefix(wanted.count).elementsEqual(
                wanted, by: { $0 == $1 || ($0 | 0x20) == $1 && $1 >= UInt8(ascii: "a") && $1 <= UInt8(ascii: "z") })
            {
                return rest.index(index, offsetBy: wanted.count)
            }
            index = rest.index(after: index)
        }
        missing.insert(end)
        return nil
    }
}
