"""Single files in memory to arrays and back: pictures, sounds, meshes."""
