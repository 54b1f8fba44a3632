import CCommonMark
import Foundation

/// Raw HTML in a body: its tags go, the text between them stays, for somebody wrote it to be read.
enum RawHTML {
    /// What HTML shows on lines of their own.
    private static let blocks: Set<String> = [
        "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl", "dt",
        "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header",
        "hr",
        "html", "legend", "li", "main", "nav", "ol", "option", "p", "pre", "section", "summary", "table", "tbody",
        "tfoot", "thead", "title", "tr", "ul",
    ]
    private static let cells: Set<String> = ["td", "th"]
    private static let unseen: Set<String> = ["script", "style"]

    /// An element whose content nobody is to read, while its end is awaited.
    struct Hidden {
        /// What was looked for in vain among a parent's nodes, so that no look is repeated.
        fileprivate var missing: Set<String> = []
        fileprivate var missingIn: OpaquePointer?
        fileprivate var gone: Set<OpaquePointer> = []
        private var roots: [OpaquePointer] = []

        fileprivate mutating func dropped(_ node: OpaquePointer) { roots.append(node) }

        /// Frees what was dropped, once nobody holds it any more.
        func free() { for node in roots { cmark_node_free(node) } }
    }

    /// An inline tag becomes a break, a space or nothing.
    static func replaceInline(_ node: OpaquePointer, _ hidden: inout Hidden) {
        guard !hidden.gone.contains(node) else { return }
        let tag = Tag(CommonMarkTree.literal(node))
        if unseen.contains(tag.name), !tag.isEnd { hide(after: node, tag.name, &hidden) }
        if tag.name == "br" {
            insert(CMARK_NODE_LINEBREAK, before: node)
        } else if blocks.contains(tag.name) || cells.contains(tag.name) {
            insert(CMARK_NODE_SOFTBREAK, before: node)
        }
        cmark_node_unlink(node)
        cmark_node_free(node)
    }

    /// Drops what follows up to the end tag. Without one all stays: text too much harms less than text lost.
    private static func hide(after node: OpaquePointer, _ name: String, _ hidden: inout Hidden) {
        let parent = cmark_node_parent(node)
        if parent != hidden.missingIn { (hidden.missingIn, hidden.missing) = (parent, []) }
        guard !hidden.missing.contains(name) else { return }
        var passed: [OpaquePointer] = []
        var next = cmark_node_next(node)
        while let follower = next {
            if cmark_node_get_type(follower) == CMARK_NODE_HTML_INLINE {
                let tag = Tag(CommonMarkTree.literal(follower))
                if tag.isEnd, tag.name == name { return drop(passed, &hidden) }
            }
            passed.append(follower)
            next = cmark_node_next(follower)
        }
        hidden.missing.insert(name)
    }

    private static func drop(_ nodes: [OpaquePointer], _ hidden: inout Hidden) {
        for node in nodes {
            CommonMarkTree.walk(node) { within, _ in hidden.gone.insert(within) }
            cmark_node_unlink(node)
            // Not freed here: the caller still holds some of them in its list, and must not take another for them.
            hidden.dropped(node)
        }
    }

    private static func insert(_ type: cmark_node_type, before node: OpaquePointer) {
        if let new = cmark_node_new(type) { cmark_node_insert_before(node, new) }
    }

    /// A block of HTML becomes the paragraphs that it would show.
    static func replaceBlock(_ node: OpaquePointer) {
        for paragraph in paragraphs(CommonMarkTree.literal(node)) {
            guard let new = cmark_node_new(CMARK_NODE_PARAGRAPH) else { continue }
            for (place, line) in paragraph.enumerated() {
                if place > 0, let lineBreak = cmark_node_new(CMARK_NODE_LINEBREAK) {
                    cmark_node_append_child(new, lineBreak)
                }
                guard let text = cmark_node_new(CMARK_NODE_TEXT) else { continue }
                cmark_node_set_literal(text, line)
                cmark_node_append_child(new, text)
            }
            cmark_node_insert_before(node, new)
        }
        cmark_node_unlink(node)
        cmark_node_free(node)
    }

    /// The lines of each paragraph.
    private static func paragraphs(_ html: String) -> [[String]] {
        var reader = HTMLTextReader(html)
        var paragraphs: [[String]] = [[]]
        var line = ""
        func endLine() {
            let text = line.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            if !text.isEmpty { paragraphs[paragraphs.count - 1].append(text) }
            line = ""
        }
        while let piece = reader.next(unseen) {
            switch piece {
            case .text(let text): line += decoded(text)
            case .tag(let name) where name == "br": endLine()
            case .tag(let name) where blocks.contains(name):
                endLine()
                paragraphs.append([])
            case .tag(let name): if cells.contains(name) { line += " " }
            }
        }
        endLine()
        return paragraphs.filter { !$0.isEmpty }
    }

    /// Entities as the parser itself decodes them.
    private static func decoded(_ text: Substring) -> String {
        guard text.utf8.contains(UInt8(ascii: "&")) else { return String(text) }
        return String(text.replacing(#/&#?[A-Za-z0-9]{1,32};/#) { entity(String($0.output)) })
    }

    private static func entity(_ text: String) -> String {
        guard let document = text.withCString({ cmark_parse_document($0, strlen($0), CMARK_OPT_DEFAULT) }) else {
            return text
        }
        defer { cmark_node_free(document) }
        return cmark_node_first_child(document).flatMap { cmark_node_first_child($0) }.map(CommonMarkTree.literal)
            ?? text
    }
}

/// The name of a tag such as `<br/>` or `</p>`; empty for comments and the like.
struct Tag {
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

/// Tells tags from text in a block of HTML, in time that grows with its length only.
struct HTMLTextReader {
    enum Piece {
        case text(Substring)
        case tag(String)
    }

    private var rest: Substring.UTF8View
    /// Ends that no longer come: nobody looks for them twice.
    private var missing: Set<String> = []

    init(_ html: String) { rest = html[...].utf8 }

    mutating func next(_ unseen: Set<String>) -> Piece? {
        guard let first = rest.first else { return nil }
        if first == UInt8(ascii: "<"), let tag = takeTag(unseen) { return .tag(tag) }
        let end = rest.dropFirst().firstIndex(of: UInt8(ascii: "<")) ?? rest.endIndex
        let text = Substring(rest[..<end])
        rest = rest[end...]
        return .text(text)
    }

    private mutating func takeTag(_ unseen: Set<String>) -> String? {
        for (start, end) in [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<!", ">"), ("<?", "?>")]
        where rest.starts(with: start.utf8) {
            guard let after = find(end, from: rest.index(rest.startIndex, offsetBy: start.utf8.count)) else { continue }
            rest = rest[after...]
            return ""
        }
        let tag = Tag(Substring(rest.prefix(64)))
        guard !tag.name.isEmpty, let after = find(">", from: rest.startIndex) else { return nil }
        rest = rest[after...]
        if !tag.isEnd, unseen.contains(tag.name), let end = find("</" + tag.name, from: rest.startIndex) {
            rest = rest[end...]
            if let after = find(">", from: rest.startIndex) { rest = rest[after...] }
        }
        return tag.name
    }

    /// The place behind the next `end`, in capital or small letters.
    private mutating func find(_ end: String, from start: Substring.UTF8View.Index) -> Substring.UTF8View.Index? {
        guard !missing.contains(end) else { return nil }
        let wanted = Array(end.utf8)
        var place = start
        while place < rest.endIndex {
            if rest[place...].prefix(wanted.count).elementsEqual(
                wanted, by: { $0 == $1 || ($0 | 0x20) == $1 && $1 >= UInt8(ascii: "a") && $1 <= UInt8(ascii: "z") })
            {
                return rest.index(place, offsetBy: wanted.count)
            }
            place = rest.index(after: place)
        }
        missing.insert(end)
        return nil
    }
}
