/// Reads comma-separated values (RFC 4180) row by row. It converts a cell to a string only when asked to, because files
/// of 100,000 rows are read within a second.
public struct CSVReader<Bytes: RandomAccessCollection<UInt8>> where Bytes.Index == Int {
    private let bytes: Bytes
    private var position: Int
    /// The line number on which the last row starts, counted from 1.
    public private(set) var line = 0
    private var nextLine = 1
    private let separator: UInt8
    /// The last row has an unclosed quote, or text after a closing quote.
    public private(set) var isBroken = false

    public init(_ bytes: Bytes, separator: UInt8 = UInt8(ascii: ",")) {
        self.bytes = bytes
        self.separator = separator
        position = bytes.startIndex
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position += 3 }
    }

    /// Returns the cells of the next row; nil at the end. Skips empty lines.
    public mutating func next() -> [Cell]? {
        while position < bytes.endIndex {
            line = nextLine
            let cells = readRow()
            if cells.count > 1 || cells[0].range.count > 0 { return cells }
        }
        return nil
    }

    /// The position of a cell in the bytes.
    public struct Cell: Sendable {
        public let range: Range<Int>
        /// The cell contains escaped quotes (`""`).
        let hasDoubledQuotes: Bool
    }

    public func text(_ cell: Cell) -> String {
        let text = String(decoding: bytes[cell.range], as: UTF8.self)
        return cell.hasDoubledQuotes
            ? text.split(separator: "\"\"", omittingEmptySubsequences: false).joined(separator: "\"") : text
    }

    public func bytes(_ cell: Cell) -> Bytes.SubSequence { bytes[cell.range] }

    private mutating func readRow() -> [Cell] {
        var cells: [Cell] = []
        cells.reserveCapacity(8)
        isBroken = false
        while true {
            let isQuoted = position < bytes.endIndex && bytes[position] == UInt8(ascii: "\"")
            cells.append(isQuoted ? readQuoted() : readPlain())
            if isQuoted, !isAtEndOfCell { skipBrokenCell() }
            guard position < bytes.endIndex else { return cells }
            let found = bytes[position]
            position += 1
            if found == separator { continue }
            if found == UInt8(ascii: "\r"), position < bytes.endIndex, bytes[position] == UInt8(ascii: "\n") {
                position += 1
            }
            nextLine += 1
            return cells
        }
    }

    private var isAtEndOfCell: Bool {
        guard position < bytes.endIndex else { return true }
        let byte = bytes[position]
        return byte == separator || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
    }

    /// Skips text after a closing quote, which belongs to no cell.
    private mutating func skipBrokenCell() {
        isBroken = true
        while !isAtEndOfCell { position += 1 }
    }

    private mutating func readPlain() -> Cell {
        let start = position
        while position < bytes.endIndex {
            let byte = bytes[position]
            if byte == separator || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") { break }
            position += 1
        }
        return Cell(range: start..<position, hasDoubledQuotes: false)
    }

    private mutating func readQuoted() -> Cell {
        position += 1
        let start = position
        var hasDoubled = false
        while position < bytes.endIndex {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\n") { nextLine += 1 }
            position += 1
            guard byte == UInt8(ascii: "\"") else { continue }
            guard position < bytes.endIndex, bytes[position] == UInt8(ascii: "\"") else {
                return Cell(range: start..<(position - 1), hasDoubledQuotes: hasDoubled)
            }
            hasDoubled = true
            position += 1
        }
        isBroken = true
        return Cell(range: start..<position, hasDoubledQuotes: hasDoubled)
    }
}
