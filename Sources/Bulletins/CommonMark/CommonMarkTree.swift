import CCommonMark

/// Operations on the parser's tree of nodes, above all its sanitising.
enum CommonMarkTree {
    static func walk(_ document: OpaquePointer, _ body: (OpaquePointer, _ isEntering: Bool) -> Void) {
        let iterator = cmark_iter_new(document)
        defer { cmark_iter_free(iterator) }
        while true {
            let event = cmark_iter_next(iterator)
            if event == CMARK_EVENT_DONE { return }
            if let node = cmark_iter_get_node(iterator) { body(node, event == CMARK_EVENT_ENTER) }
        }
    }

    /// Whether the node counts as a level of nesting.
    static func nests(_ node: OpaquePointer) -> Bool {
        switch cmark_node_get_type(node) {
        case CMARK_NODE_BLOCK_QUOTE, CMARK_NODE_ITEM, CMARK_NODE_EMPH, CMARK_NODE_STRONG, CMARK_NODE_LINK,
            CMARK_NODE_IMAGE:
            true
        default: false
        }
    }

    static func url(_ node: OpaquePointer) -> String { cmark_node_get_url(node).map { String(cString: $0) } ?? "" }

    /// The bytes of a link's address and title.
    static func linkBytes(_ node: OpaquePointer) -> Int {
        guard isLink(node) else { return 0 }
        return url(node).utf8.count + (cmark_node_get_title(node).map { String(cString: $0).utf8.count } ?? 0)
    }

    static func literal(_ node: OpaquePointer) -> String {
        cmark_node_get_literal(node).map { String(cString: $0) } ?? ""
    }

    /// Removes raw HTML, hostile characters and disallowed links. Every step collects its nodes before it changes them,
    /// because an iterator becomes invalid when the tree changes.
    static func makeSafe(_ document: OpaquePointer) {
        for node in nodes(document, where: { cmark_node_get_type($0) == CMARK_NODE_HTML_BLOCK }) {
            RawHTML.replaceBlock(node)
        }
        var removal = RawHTML.Removal()
        for node in nodes(document, where: { cmark_node_get_type($0) == CMARK_NODE_HTML_INLINE }) {
            RawHTML.replaceInline(node, &removal)
        }
        removal.free()
        removeHostileCharacters(document)
        // Outer nodes come first, so that an image within a link still finds that link among its ancestors.
        for node in nodes(document, where: isLink) { makeSafeLink(node) }
    }

    static func hasVisibleText(_ document: OpaquePointer) -> Bool {
        nodes(document, where: hasLiteral).contains { HiddenCharacters.hasVisible(literal($0)) }
    }

    private static func nodes(_ document: OpaquePointer, where condition: (OpaquePointer) -> Bool) -> [OpaquePointer] {
        var found: [OpaquePointer] = []
        walk(document) { node, isEntering in if isEntering, condition(node) { found.append(node) } }
        return found
    }

    private static func isLink(_ node: OpaquePointer) -> Bool {
        cmark_node_get_type(node) == CMARK_NODE_LINK || cmark_node_get_type(node) == CMARK_NODE_IMAGE
    }

    private static func hasLiteral(_ node: OpaquePointer) -> Bool {
        switch cmark_node_get_type(node) {
        case CMARK_NODE_TEXT, CMARK_NODE_CODE, CMARK_NODE_CODE_BLOCK: true
        default: false
        }
    }

    /// Removes hostile characters, which entities like `&#27;` bring into the text.
    private static func removeHostileCharacters(_ document: OpaquePointer) {
        for node in nodes(document, where: { hasLiteral($0) || isLink($0) }) {
            if isLink(node) {
                cmark_node_set_url(
                    node, HiddenCharacters.dropped(from: url(node)).filter { !$0.isNewline && $0 != "\t" })
                let title = cmark_node_get_title(node).map { String(cString: $0) } ?? ""
                cmark_node_set_title(node, HiddenCharacters.dropped(from: title))
                continue
            }
            let text = literal(node)
            if HiddenCharacters.mayHaveDropped(text) {
                cmark_node_set_literal(node, HiddenCharacters.dropped(from: text))
            }
            guard cmark_node_get_type(node) == CMARK_NODE_CODE_BLOCK, let info = cmark_node_get_fence_info(node) else {
                continue
            }
            cmark_node_set_fence_info(node, HiddenCharacters.dropped(from: String(cString: info)))
        }
    }

    /// Replaces a link by its text if its scheme is not allowed or it is within another link, which HTML forbids. Turns
    /// an image into a link, and gives a link without text its address as text.
    private static func makeSafeLink(_ node: OpaquePointer) {
        let address = url(node)
        let isSafe = isAllowed(address)
        if isSafe, !showsText(node) { append(address, to: node) }
        guard isSafe, !isWithinLink(node) else { return unwrap(node) }
        guard cmark_node_get_type(node) == CMARK_NODE_IMAGE, let link = cmark_node_new(CMARK_NODE_LINK) else { return }
        cmark_node_set_url(link, address)
        while let child = cmark_node_first_child(node) {
            cmark_node_unlink(child)
            cmark_node_append_child(link, child)
        }
        cmark_node_replace(node, link)
        cmark_node_free(node)
    }

    private static func isWithinLink(_ node: OpaquePointer) -> Bool {
        var next = cmark_node_parent(node)
        while let parent = next {
            if isLink(parent) { return true }
            next = cmark_node_parent(parent)
        }
        return false
    }

    private static func showsText(_ node: OpaquePointer) -> Bool {
        nodes(node, where: { hasLiteral($0) || $0 != node && isLink($0) && isAllowed(url($0)) }).contains {
            isLink($0) || HiddenCharacters.hasVisible(literal($0))
        }
    }

    private static func append(_ text: String, to node: OpaquePointer) {
        guard let shown = cmark_node_new(CMARK_NODE_TEXT) else { return }
        cmark_node_set_literal(shown, text)
        cmark_node_append_child(node, shown)
    }

    private static func unwrap(_ node: OpaquePointer) {
        while let child = cmark_node_first_child(node) {
            cmark_node_unlink(child)
            cmark_node_insert_before(node, child)
        }
        cmark_node_unlink(node)
        cmark_node_free(node)
    }

    private static func isAllowed(_ url: String) -> Bool {
        let lowercased = url.lowercased()
        return ["https://", "http://", "mailto:"].contains { lowercased.hasPrefix($0) }
    }
}
