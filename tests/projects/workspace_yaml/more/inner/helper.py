DESCRIPTION = "Found through the working directory"
