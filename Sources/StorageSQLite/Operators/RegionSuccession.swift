import Bulletins
import GRDB

/// Which regions took the place of retired ones, as the store knows it. A worker that runs on through an import, or a
/// command that began before it, has the old codes in memory: what it records is put under those of today.
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
        guard !isEmpty else { return regions }
        var today: [Region] = []
        for region in regions {
            let successors = try successors(of: region)
            for region in successors.isEmpty ? [region] : successors where !today.contains(region) {
                today.append(region)
            }
        }
        return today
    }

    /// The retired ones in whose place these came. Until an import has moved all subscriptions, some are still under them.
    func former(_ regions: [Region]) throws -> [Region] {
        guard !isEmpty else { return [] }
        var former: [Region] = []
        for region in regions {
            try selectFormer.each([region.rawValue]) { row in
                guard let region = Region(rawValue: row.integer(0)), !regions.contains(region) else { return }
                if !former.contains(region) { former.append(region) }
            }
        }
        return former
    }

    private func successors(of region: Region) throws -> [Region] {
        var found: [Region] = []
        try select.each([region.rawValue]) { row in
            if let region = Region(rawValue: row.integer(0)) { found.append(region) }
        }
        return found
    }

    /// Keeps what an import says; it names all that are retired.
    static func put(_ successors: [Region: [Region]], _ db: Database) throws {
        try db.run("DELETE FROM region_successors")
        let insert = try db.prepared("INSERT INTO region_successors (retired, place, successor) VALUES (?, ?, ?)")
        for (retired, regions) in successors {
            for (place, region) in regions.enumerated() {
                try insert.run([retired.rawValue, place, region.rawValue])
            }
        }
    }
}
