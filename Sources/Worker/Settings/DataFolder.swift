import Foundation

/// The folder of the registries where no setting names one.
enum DataFolder {
    private static let inProject = "config/data"
    private static let installed = "share/kentongan/data"

    /// A program in its project's build folder finds the project's data, and one under PREFIX/bin finds PREFIX/share,
    /// whichever folder it is started in.
    static var path: String {
        if isThere(inProject) { return inProject }
        var folder = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        while folder.path != "/" {
            folder = folder.deletingLastPathComponent()
            for name in [inProject, installed] {
                let candidate = folder.appending(path: name).path
                if isThere(candidate) { return candidate }
            }
        }
        return inProject
    }

    private static func isThere(_ folder: String) -> Bool {
        FileManager.default.fileExists(atPath: folder + "/regions.csv")
    }
}
