package import Bulletins
import Foundation

extension Settings.DataFiles {
    /// Reads the registries. What is wrong with a file names its key.
    package func load() throws(ConfigurationError) -> Registries {
        Registries(
            regions: try load("data.regions", regions) { try RegionTree(csv: $0, file: $1) },
            successors: try load("data.successors", successors) { try RegionSuccessors(csv: $0, file: $1) },
            timeZones: try load("data.timezones", timeZones) { try TimeZones(csv: $0, file: $1) },
            fields: try load("data.fields", fields) { try FieldRegistry(csv: $0, file: $1) })
    }

    private func load<T>(_ key: String, _ file: String, _ read: ([UInt8], String) throws -> T)
        throws(ConfigurationError) -> T
    {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw .badValue(key: key, reason: "\(file) cannot be read")
        }
        do {
            return try read(Array(data), file)
        } catch {
            throw .badValue(key: key, reason: "\(error)")
        }
    }
}
