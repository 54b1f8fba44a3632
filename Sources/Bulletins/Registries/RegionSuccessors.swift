/// The successors of retired region codes: one after a recoding, several after a split.
///
/// Only the listed codes have known successors. The codes below a recoded regency were renumbered, so the new prefix
/// with the rest of an old code would name another region.
public struct RegionSuccessors: Sendable {
    private var byOldCode: [Region: [Region]] = [:]

    /// A table without retired codes.
    public init() {}

    /// Reads the columns `old_code,new_code`, one row per successor. Further columns are ignored.
    public init(csv bytes: [UInt8], file: String = "region-successors.csv") throws(RegistryError) {
        var reader = CSVReader(bytes)
        guard let header = reader.next(), header.prefix(2).map({ reader.text($0) }) == ["old_code", "new_code"] else {
            throw .badRow(file: file, line: 1, problem: "the first columns are not old_code,new_code")
        }
        while let row = reader.next() {
            guard row.count >= 2, let old = Region(utf8: reader.bytes(row[0])),
                let new = Region(utf8: reader.bytes(row[1]))
            else { throw .badRow(file: file, line: reader.line, problem: "the row is not old_code,new_code") }
            byOldCode[old, default: []].append(new)
        }
    }

    /// All retired codes with their successors.
    public var all: [Region: [Region]] { byOldCode }

    /// The successors of `region`; empty if its code was never retired.
    public func successors(of region: Region) -> [Region] { byOldCode[region] ?? [] }
}
