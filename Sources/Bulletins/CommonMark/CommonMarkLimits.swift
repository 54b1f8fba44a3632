import CCommonMark

/// What a body may cost: how deep it nests and how large it gets once it is rendered.
///
/// The text is looked at first, in one pass, since the parser itself takes quadratic time for some texts.
enum CommonMarkLimits {
    /// Quotes, list items, emphasis and links within each other.
    static let depth = 32
    /// Bytes of all links' addresses and titles: one definition may serve thousands of links.
    static let linkBytes = 512 * 1024
    private static let parsedLinkBytes = 32 * 1024 * 1024
    /// Brackets, and openings of comments, for each of which the parser may look through all that follows.
    private static let openings = 4096
    private static let comments = 512
    /// Markers of one line; code may show more of them than text may nest.
    private static let markers = 128

    private static let tooDeep = "nests quotes, lists, emphasis or links deeper than \(depth) levels"
    private static let tooManyLinks = "has links whose addresses and titles take more than \(linkBytes) bytes"

    static func fault(ofText text: String) -> String? {
        var text = text
        return text.withUTF8 { bytes in
            var brackets = 0
            var comments = 0
            var definition = Definition()
            var lineStart = 0
            while lineStart < bytes.count {
                let end = bytes[lineStart...].firstIndex { $0 == 0x0A || $0 == 0x0D } ?? bytes.count
                let line = UnsafeBufferPointer(rebasing: bytes[lineStart..<end])
                if markerCount(line) > markers { return tooDeep }
                for (place, byte) in line.enumerated() {
                    if byte == UInt8(ascii: "[") { brackets += 1 }
                    guard byte == UInt8(ascii: "<"), place + 1 < line.count else { continue }
                    if line[place + 1] == UInt8(ascii: "!") || line[place + 1] == UInt8(ascii: "?") { comments += 1 }
                }
                definition.take(line)
                lineStart = end + 1
            }
            if brackets > openings { return "has more than \(openings) opening brackets" }
            if comments > Self.comments { return "has more than \(Self.comments) HTML comments or declarations" }
            return definition.longest * brackets > parsedLinkBytes ? tooManyLinks : nil
        }
    }

    static func fault(of document: OpaquePointer) -> String? {
        var level = 0
        var deepest = 0
        var linkBytes = 0
        CommonMarkTree.walk(document) { node, isEntering in
            guard CommonMarkTree.nests(node) else { return }
            level += isEntering ? 1 : -1
            deepest = max(deepest, level)
            if isEntering { linkBytes += CommonMarkTree.linkBytes(node) }
        }
        if deepest > depth { return tooDeep }
        return linkBytes > Self.linkBytes ? tooManyLinks : nil
    }

    /// The markers of quotes and list items with which a line begins. A thematic break (`- - -`) has none.
    private static func markerCount(_ line: UnsafeBufferPointer<UInt8>) -> Int {
        var count = 0
        var place = 0
        while place < line.count {
            switch line[place] {
            case 0x20, 0x09: place += 1
            case UInt8(ascii: ">"):
                (count, place) = (count + 1, place + 1)
            case UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "*"):
                guard isBlank(line, place + 1) else { return count }
                (count, place) = (count + 1, place + 1)
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                let end = line[place...].firstIndex { $0 < UInt8(ascii: "0") || $0 > UInt8(ascii: "9") } ?? line.count
                guard end < line.count, ".)".utf8.contains(line[end]), isBlank(line, end + 1) else { return count }
                (count, place) = (count + 1, end + 1)
            default: return count
            }
        }
        return isBreak(line) ? 0 : count
    }

    private static func isBlank(_ line: UnsafeBufferPointer<UInt8>, _ place: Int) -> Bool {
        place >= line.count || line[place] == 0x20 || line[place] == 0x09
    }

    private static func isBreak(_ line: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let mark = line.first(where: { $0 != 0x20 && $0 != 0x09 }), "-*".utf8.contains(mark) else { return false }
        return line.allSatisfy { $0 == mark || $0 == 0x20 || $0 == 0x09 }
    }

    /// How long a definition of a link (`[name]: address "title"`) can be at most. Its title may go over several lines.
    private struct Definition {
        private(set) var longest = 0
        private var paragraph = 0
        private var isOpen = false

        mutating func take(_ line: UnsafeBufferPointer<UInt8>) {
            guard line.contains(where: { $0 > 0x20 && $0 != UInt8(ascii: ">") }) else {
                (paragraph, isOpen) = (0, false)
                return
            }
            isOpen =
                isOpen || zip(line, line.dropFirst()).contains { $0 == UInt8(ascii: "]") && $1 == UInt8(ascii: ":") }
            guard isOpen else { return }
            let mayHaveTitle = paragraph > 0 || line.contains { "\"'(".utf8.contains($0) }
            paragraph += mayHaveTitle ? line.count : 0
            longest = max(longest, max(line.count, paragraph))
        }
    }
}
