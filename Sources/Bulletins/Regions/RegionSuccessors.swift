/// What became of retired codes: one successor after a recoding, several after a split.
///
/// Only the codes listed are known. Codes below a recoded regency were numbered anew, so putting
/// the new prefix before the rest of an old code would name another place.
public struct RegionSuccessors: Sendable {
    private var byOldCode: [Region: [Region]] = [:]

    /// No code was ever retired.
    public init() {}

    /// Reads `old_code,new_code,...`, a row for each successor.
    public init(csv bytes: [UInt8], file: String = "region-successors.csv") throws(RegistryError) {
        var reader = CSVReader(bytes)
        guard let header = reader.next(), header.prefix(2).map({ reader.text($0) }) == ["old_code", "new_code"] else {
            throw .badRow(file: file, line: 1, problem: "the first columns are not old_code,new_code")
        }
        while let row = reader.next() {
            guard row.count >= 2, let old = Region(utf8: reader.bytes(row[0])),
                let new = Region(utf8: reader.bytes(row[1]))
            else { throw .badRow(file: file, line: reader.line, problem: "this is no old_code,new_code") }
            byOldCode[old, default: []].append(new)
        }
    }

    /// All codes that were retired, with those that took their places.
    public var all: [Region: [Region]] { byOldCode }

    /// The codes that took the place of `region`; empty if it was never retired.
    public func successors(of region: Region) -> [Region] { byOldCode[region] ?? [] }
}
