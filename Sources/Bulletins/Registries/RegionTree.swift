/// All regions with their names, in a compact form.
///
/// The codes are a sorted array of numbers and the names one block of bytes, so that 91,599 regions take about 4 MB. A
/// lookup is a binary search.
public struct RegionTree: Sendable {
    private var codes: [Int64] = []
    /// The end of each name in `names`; a name starts where the previous one ends.
    private var nameEnds: [UInt32] = []
    private var names: [UInt8] = []

    /// Reads the columns `code,name,level`. The rows are sorted by code, and every parent is present.
    public init(csv bytes: [UInt8], file: String = "regions.csv") throws(RegistryError) {
        codes.reserveCapacity(bytes.count / 24)
        nameEnds.reserveCapacity(bytes.count / 24)
        names.reserveCapacity(bytes.count)
        append(.country, name: "Indonesia".utf8)
        var reader = CSVReader(bytes)
        _ = reader.next()
        while let row = reader.next() {
            guard row.count >= 2, let region = Region(utf8: reader.bytes(row[0])) else {
                throw .badRow(file: file, line: reader.line, problem: "the row is not code,name,level")
            }
            guard region.rawValue > codes[codes.count - 1] else {
                throw .badRow(
                    file: file, line: reader.line, problem: "\(region) is out of order; sort the rows by code")
            }
            guard let parent = region.parent, contains(parent) else {
                throw .badRow(file: file, line: reader.line, problem: "the parent of \(region) is missing")
            }
            if let problem = RegistryError.problem(ofName: reader.bytes(row[1])) {
                throw .badRow(file: file, line: reader.line, problem: "the name of \(region) \(problem)")
            }
            append(region, name: reader.bytes(row[1]))
        }
        guard codes.count > 1 else { throw .empty(file: file) }
    }

    private mutating func append(_ region: Region, name: some Sequence<UInt8>) {
        codes.append(region.rawValue)
        names.append(contentsOf: name)
        nameEnds.append(UInt32(names.count))
    }

    /// The number of regions, including the country.
    public var count: Int { codes.count }

    public func contains(_ region: Region) -> Bool { index(of: region) != nil }

    /// The name of the region as the source has it. Some names include the rank, for example `Kota Makassar`.
    public func name(of region: Region) -> String? {
        guard let index = index(of: region) else { return nil }
        return String(decoding: nameBytes(at: index), as: UTF8.self)
    }

    /// The names from the region up to its province: `Tamamaung, Panakkukang, Kota Makassar, Sulawesi Selatan`.
    public func fullName(of region: Region) -> String {
        let path = region.level == .country ? [region] : region.path.dropFirst().reversed()
        return path.compactMap { name(of: $0) }.joined(separator: ", ")
    }

    /// The regions one level below this one.
    public func children(of region: Region) -> [Region] {
        guard let first = index(of: region) else { return [] }
        var found: [Region] = []
        var next = first + 1
        while next < codes.count, let child = Region(rawValue: codes[next]), region.contains(child) {
            found.append(child)
            next = lowerBound(child.interval.upperBound + 1)
        }
        return found
    }

    /// The number of regions of a level within a region, including the region itself.
    public func count(of level: Region.Level, within region: Region) -> Int {
        let end = lowerBound(region.interval.upperBound + 1)
        return codes[lowerBound(region.rawValue)..<end].count { Region(rawValue: $0)?.level == level }
    }

    /// All regions, in the order of their codes.
    public var all: [Region] { codes.compactMap { Region(rawValue: $0) } }

    /// Finds the regions whose name contains every word of `text`, ignoring case. Higher levels come first.
    ///
    /// It scans all names, which takes some milliseconds. It ignores the case of A-Z only: the names are ASCII.
    public func search(_ text: String, limit: Int) -> [Region] {
        let words = text.lowercased().split(separator: " ").map { Array($0.utf8) }
        guard !words.isEmpty, limit > 0 else { return [] }
        if let exact = Region(text), contains(exact) { return [exact] }
        var found: [Region] = []
        for index in codes.indices {
            let name = nameBytes(at: index).map(Self.lowercased)
            guard words.allSatisfy({ Self.contains(name, $0) }) else { continue }
            if let region = Region(rawValue: codes[index]) { found.append(region) }
        }
        found.sort { ($0.level, $0.rawValue) < ($1.level, $1.rawValue) }
        return Array(found.prefix(limit))
    }

    private func index(of region: Region) -> Int? {
        let index = lowerBound(region.rawValue)
        return index < codes.count && codes[index] == region.rawValue ? index : nil
    }

    /// The index of the first code that is not less than `value`.
    private func lowerBound(_ value: Int64) -> Int {
        var low = 0
        var high = codes.count
        while low < high {
            let middle = (low + high) / 2
            if codes[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func nameBytes(at index: Int) -> ArraySlice<UInt8> {
        names[(index == 0 ? 0 : Int(nameEnds[index - 1]))..<Int(nameEnds[index])]
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    private static func contains(_ text: [UInt8], _ word: [UInt8]) -> Bool {
        guard word.count <= text.count else { return false }
        return (0...(text.count - word.count)).contains { text[$0..<($0 + word.count)].elementsEqual(word) }
    }
}
