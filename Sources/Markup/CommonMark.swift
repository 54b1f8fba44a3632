import CCommonMark
import Foundation

/// CommonMark as bulletins' bodies have it, made safe: raw HTML is dropped, links lead to https, http or
/// mailto only, images become links to them.
package enum CommonMark {
    /// HTML that may stand in a page, a mail or a feed as it is.
    package static func html(_ text: String) -> String {
        withDocument(text) { document in
            guard let rendered = cmark_render_html(document, CMARK_OPT_DEFAULT) else { return "" }
            defer { free(rendered) }
            return String(cString: rendered)
        }
    }

    /// Text without markup, paragraphs apart by an empty line, links with their address behind.
    package static func plainText(_ text: String) -> String {
        withDocument(text) { document in
            var writer = PlainTextWriter()
            walk(document) { writer.handle($0, isEntering: $1) }
            return writer.text
        }
    }

    private static func withDocument(_ text: String, _ body: (OpaquePointer) -> String) -> String {
        guard let document = text.withCString({ cmark_parse_document($0, strlen($0), CMARK_OPT_DEFAULT) }) else {
            return ""
        }
        defer { cmark_node_free(document) }
        makeSafe(document)
        return body(document)
    }

    private static func walk(_ document: OpaquePointer, _ body: (OpaquePointer, Bool) -> Void) {
        let iterator = cmark_iter_new(document)
        defer { cmark_iter_free(iterator) }
        while true {
            let event = cmark_iter_next(iterator)
            if event == CMARK_EVENT_DONE { return }
            if let node = cmark_iter_get_node(iterator) { body(node, event == CMARK_EVENT_ENTER) }
        }
    }

    /// Nodes are collected first: a walk does not outlive changes to what it walks.
    private static func makeSafe(_ document: OpaquePointer) {
        var raw: [OpaquePointer] = []
        var images: [OpaquePointer] = []
        walk(document) { node, isEntering in
            guard isEntering else { return }
            switch cmark_node_get_type(node) {
            case CMARK_NODE_HTML_BLOCK, CMARK_NODE_HTML_INLINE: raw.append(node)
            case CMARK_NODE_IMAGE: images.append(node)
            case CMARK_NODE_LINK: if !isAllowed(url(node)) { cmark_node_set_url(node, "") }
            default: break
            }
        }
        for node in raw { cmark_node_free(node) }
        for node in images { replaceByLink(node) }
    }

    private static func replaceByLink(_ image: OpaquePointer) {
        guard let link = cmark_node_new(CMARK_NODE_LINK) else { return }
        cmark_node_set_url(link, isAllowed(url(image)) ? url(image) : "")
        while let child = cmark_node_first_child(image) {
            cmark_node_unlink(child)
            cmark_node_append_child(link, child)
        }
        cmark_node_replace(image, link)
        cmark_node_free(image)
    }

    static func url(_ node: OpaquePointer) -> String { cmark_node_get_url(node).map { String(cString: $0) } ?? "" }

    static func isAllowed(_ url: String) -> Bool {
        let lowercased = url.lowercased()
        return ["https://", "http://", "mailto:"].contains { lowercased.hasPrefix($0) }
    }
}

/// Writes a document's nodes as text.
private struct PlainTextWriter {
    private var lines = ""
    private var lists: [Int?] = []
    private var linkStart: [String.Index] = []

    var text: String { lines.trimmingCharacters(in: .whitespacesAndNewlines) }

    mutating func handle(_ node: OpaquePointer, isEntering: Bool) {
        switch cmark_node_get_type(node) {
        case CMARK_NODE_TEXT, CMARK_NODE_CODE, CMARK_NODE_CODE_BLOCK: lines += literal(node)
        case CMARK_NODE_SOFTBREAK: lines += " "
        case CMARK_NODE_LINEBREAK: lines += "\n"
        case CMARK_NODE_PARAGRAPH, CMARK_NODE_HEADING: if !isEntering { endBlock() }
        case CMARK_NODE_LIST:
            if isEntering {
                lists.append(
                    cmark_node_get_list_type(node) == CMARK_ORDERED_LIST ? Int(cmark_node_get_list_start(node)) : nil)
            } else {
                lists.removeLast()
                if lists.isEmpty { lines += "\n" }
            }
        case CMARK_NODE_ITEM: if isEntering { beginItem() }
        case CMARK_NODE_THEMATIC_BREAK: if isEntering { lines += "---\n\n" }
        case CMARK_NODE_LINK: isEntering ? linkStart.append(lines.endIndex) : endLink(CommonMark.url(node))
        default: break
        }
    }

    private func literal(_ node: OpaquePointer) -> String {
        cmark_node_get_literal(node).map { String(cString: $0) } ?? ""
    }

    private mutating func endBlock() { lines += lists.isEmpty ? "\n\n" : "\n" }

    private mutating func beginItem() {
        guard let last = lists.indices.last else { return }
        lines += String(repeating: "  ", count: last)
        if let number = lists[last] {
            lines += "\(number). "
            lists[last] = number + 1
        } else {
            lines += "- "
        }
    }

    private mutating func endLink(_ url: String) {
        guard let start = linkStart.popLast(), !url.isEmpty, start <= lines.endIndex, lines[start...] != url else {
            return
        }
        lines += " (\(url))"
    }
}
