import CCommonMark
import Foundation

/// Replaces the raw HTML in a body by its text: somebody wrote that text to be read, whereas tags are a risk.
enum RawHTML {
    /// Elements that HTML displays on lines of their own.
    private static let blocks: Set<String> = [
        "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl", "dt",
        "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header",
        "hr",
        "html", "legend", "li", "main", "nav", "ol", "option", "p", "pre", "section", "summary", "table", "tbody",
        "tfoot", "thead", "title", "tr", "ul",
    ]
    private static let cells: Set<String> = ["td", "th"]
    /// Elements whose content HTML does not display.
    private static let undisplayed: Set<String> = ["script", "style"]

    /// The nodes removed as content of `<script>` and `<style>`, and the failed searches for the end of these elements.
    struct Removal {
        /// The elements without an end tag among the children of `missingIn`, so that no search is repeated: a body of
        /// opening tags would otherwise take quadratic time.
        fileprivate var missing: Set<String> = []
        fileprivate var missingIn: OpaquePointer?
        /// Every node within a removed one. The caller still visits some of these.
        fileprivate var removed: Set<OpaquePointer> = []
        private var roots: [OpaquePointer] = []

        fileprivate mutating func keep(_ node: OpaquePointer) { roots.append(node) }

        /// Frees the removed nodes. Call it once nothing refers to them any more.
        func free() { for node in roots { cmark_node_free(node) } }
    }

    /// Replaces an inline tag by a line break, a space or nothing.
    static func replaceInline(_ node: OpaquePointer, _ removal: inout Removal) {
        guard !removal.removed.contains(node) else { return }
        let tag = Tag(CommonMarkTree.literal(node))
        if undisplayed.contains(tag.name), !tag.isEnd { removeContent(after: node, tag.name, &removal) }
        if tag.name == "br" {
            insert(CMARK_NODE_LINEBREAK, before: node)
        } else if blocks.contains(tag.name) || cells.contains(tag.name) {
            insert(CMARK_NODE_SOFTBREAK, before: node)
        }
        cmark_node_unlink(node)
        cmark_node_free(node)
    }

    /// Removes the nodes between an opening tag and its end tag. Without an end tag all of them stay, because
    /// superfluous text does less harm than lost text.
    private static func removeContent(after node: OpaquePointer, _ name: String, _ removal: inout Removal) {
        let parent = cmark_node_parent(node)
        if parent != removal.missingIn { (removal.missingIn, removal.missing) = (parent, []) }
        guard !removal.missing.contains(name) else { return }
        var content: [OpaquePointer] = []
        var next = cmark_node_next(node)
        while let follower = next {
            if cmark_node_get_type(follower) == CMARK_NODE_HTML_INLINE {
                let tag = Tag(CommonMarkTree.literal(follower))
                if tag.isEnd, tag.name == name { return remove(content, &removal) }
            }
            content.append(follower)
            next = cmark_node_next(follower)
        }
        removal.missing.insert(name)
    }

    private static func remove(_ nodes: [OpaquePointer], _ removal: inout Removal) {
        for node in nodes {
            CommonMarkTree.walk(node) { within, _ in removal.removed.insert(within) }
            cmark_node_unlink(node)
            // Freed later. The caller's list still contains some of these pointers, and a new node at the same address
            // would be mistaken for one of them.
            removal.keep(node)
        }
    }

    private static func insert(_ type: cmark_node_type, before node: OpaquePointer) {
        if let new = cmark_node_new(type) { cmark_node_insert_before(node, new) }
    }

    /// Replaces a block of HTML by the paragraphs that it displays.
    static func replaceBlock(_ node: OpaquePointer) {
        for paragraph in paragraphs(CommonMarkTree.literal(node)) {
            guard let new = cmark_node_new(CMARK_NODE_PARAGRAPH) else { continue }
            for (index, line) in paragraph.enumerated() {
                if index > 0, let lineBreak = cmark_node_new(CMARK_NODE_LINEBREAK) {
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

    /// The paragraphs of a block of HTML, each as its lines.
    private static func paragraphs(_ html: String) -> [[String]] {
        var reader = HTMLTextReader(html)
        var paragraphs: [[String]] = [[]]
        var line = ""
        func endLine() {
            let text = line.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            if !text.isEmpty { paragraphs[paragraphs.count - 1].append(text) }
            line = ""
        }
        while let piece = reader.next(undisplayed) {
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

    /// Decodes entities, each by the CommonMark parser itself.
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
