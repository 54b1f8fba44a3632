import CCommonMark

/// Renders the nodes of a document as plain text.
struct PlainTextWriter {
    private var lines = ""
    /// The open lists, outermost first: the next number of an ordered list, nil for a bullet list.
    private var lists: [Int?] = []
    /// The start of each open link's text.
    private var linkStart: [String.Index] = []

    var text: String {
        let scalars = lines.unicodeScalars
        guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return "" }
        return String(scalars[first...last])
    }

    mutating func handle(_ node: OpaquePointer, isEntering: Bool) {
        switch cmark_node_get_type(node) {
        case CMARK_NODE_TEXT, CMARK_NODE_CODE, CMARK_NODE_CODE_BLOCK: lines += CommonMarkTree.literal(node)
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
        case CMARK_NODE_LINK: isEntering ? linkStart.append(lines.endIndex) : endLink(CommonMarkTree.url(node))
        default: break
        }
    }

    private mutating func endBlock() { lines += lists.isEmpty ? "\n\n" : "\n" }

    private mutating func beginItem() {
        guard let last = lists.indices.last else { return }
        lines += String(repeating: "  ", count: min(last, CommonMarkLimits.depth))
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
