import Bulletins
import GRDB
import Storage

/// The successors of retired regions, as the last import left them. A worker that runs on through an import has the old
/// codes in memory, and so has a command that began before it. All that they record is put under the regions of today.
struct RegionSuccession {
    private let select: Prepared
    private let selectFormer: Prepared
    private let isEmpty: Bool

    init(_ db: Database) throws {
        select = try db.prepared("SELECT successor FROM region_successors WHERE retired = ? ORDER BY place")
        selectFormer = try db.prepared("SELECT retired FROM region_successors WHERE successor = ? ORDER BY retired")
        isEmpty = try db.number("SELECT EXISTS (SELECT 1 FROM region_successors)") == 0
    }

    /// The regions of today, each once; the same ones if none is retired.
    func today(_ regions: [Region]) throws -> [Region] {
        isEmpty ? regions : SuccessionRule.today(regions, try replacements(of: regions, select))
    }

    /// The retired regions that these came in place of. Until an import has moved all subscriptions, some are under them.
    func former(_ regions: [Region]) throws -> [Region] {
        isEmpty ? [] : SuccessionRule.former(regions, try replacements(of: regions, selectFormer))
    }

    private func replacements(of regions: [Region], _ select: Prepared) throws -> [Region: [Region]] {
        var found: [Region: [Region]] = [:]
        for region in regions {
            guard found[region] == nil else { continue }
            try select.each([region.rawValue]) { row in
                if let other = Region(rawValue: row.integer(0)) { found[region, default: []].append(other) }
            }
        }
        return found
    }

    /// Stores the successors that an import says; it names all retired regions.
    static func put(_ successors: [Region: [Region]], _ db: Database) throws {
        try db.run("DELETE FROM region_successors")
        let insert = try db.prepared("INSERT INTO region_successors (retired, place, successor) VALUES (?, ?, ?)")
        for (retired, regions) in successors {
            for (index, region) in regions.enumerated() {
                try insert.run([retired.rawValue, index, region.rawValue])
            }
        }
    }
}
